"""One byte changed anywhere, one file too many, one key revoked: refused, with the remedy."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.bundles.catalog import SHIPPED_BUNDLES, Catalog, installed_catalog
from shared.bundles.checks import checked
from shared.bundles.errors import BundleRefusedError
from shared.bundles.keys import SHIPPED_KEYS, TrustedKeys, load_keys
from shared.bundles.verify import verify
from shared.domain.errors import InvalidInputError, NotFoundError
from shared.domain.prediction import IntendedUse

BUNDLE = "ln_pcr-clinical-published"
FILES = ["bundle.json", "bundle.sig", "card.md", "model.onnx"]
KEYS = load_keys([SHIPPED_KEYS])
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OURS = TrustedKeys((("test.pem", KEY.public_key()),))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED_BUNDLES / BUNDLE, tmp_path / BUNDLE))


@pytest.fixture
def resealed(folder: Path) -> Callable[[Callable[[dict[str, Any]], None]], Path]:
    """Return a function that changes the manifest and signs it with the test's own key."""

    def change(edit: Callable[[dict[str, Any]], None]) -> Path:
        manifest = json.loads((folder / "bundle.json").read_text())
        edit(manifest)
        content = json.dumps(manifest).encode()
        (folder / "bundle.json").write_bytes(content)
        (folder / "bundle.sig").write_bytes(KEY.sign(content))
        return folder

    return change


def pem(folder: Path, name: str, key: Ed25519PrivateKey = KEY) -> None:
    (folder / name).write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def test_the_shipped_bundle_is_verified_and_named_by_the_digest_of_its_manifest(folder: Path) -> None:
    bundle = verify(folder, KEYS)

    assert bundle.reference.digest == hashlib.sha256((folder / "bundle.json").read_bytes()).hexdigest()
    assert bundle.reference.intended_use is IntendedUse.DEMONSTRATION
    assert bundle.signer == "demonstration.pem"


def test_the_test_knows_every_file_of_the_bundle(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == FILES


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_a_bundle_with_one_byte_changed_is_refused(folder: Path, name: str, place: float) -> None:
    content = bytearray((folder / name).read_bytes())
    content[int(place * (len(content) - 1))] ^= 1
    (folder / name).write_bytes(content)

    with pytest.raises(BundleRefusedError, match="install the bundle again"):
        verify(folder, KEYS)


@pytest.mark.parametrize("name", FILES)
def test_a_bundle_with_one_byte_more_is_refused(folder: Path, name: str) -> None:
    with (folder / name).open("ab") as stream:
        stream.write(b"\n")

    with pytest.raises(BundleRefusedError):
        verify(folder, KEYS)


@pytest.mark.parametrize("name", FILES)
def test_a_bundle_with_a_file_missing_is_refused_by_its_name(folder: Path, name: str) -> None:
    (folder / name).unlink()

    with pytest.raises(BundleRefusedError, match=f"it has no file {name}"):
        verify(folder, KEYS)


def test_a_file_the_manifest_does_not_name_is_refused(folder: Path) -> None:
    (folder / "weights.pkl").write_bytes(b"")

    with pytest.raises(BundleRefusedError, match=r"it holds weights\.pkl"):
        verify(folder, KEYS)


def test_a_link_in_place_of_a_file_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.move(folder / "model.onnx", tmp_path / "elsewhere.onnx")
    (folder / "model.onnx").symlink_to(tmp_path / "elsewhere.onnx")

    with pytest.raises(BundleRefusedError, match=r"no file model\.onnx"):
        verify(folder, KEYS)


def test_a_bundle_under_another_name_is_refused(folder: Path) -> None:
    renamed = folder.rename(folder.with_name("another"))

    with pytest.raises(BundleRefusedError, match=f"name the folder {BUNDLE}"):
        verify(renamed, KEYS)


def test_an_unknown_key_is_refused_with_the_remedy(folder: Path) -> None:
    with pytest.raises(BundleRefusedError, match="folder of trusted keys"):
        verify(folder, OURS)


def test_a_revoked_key_is_refused_by_its_name(folder: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    shutil.copy(SHIPPED_KEYS / "demonstration.pem", keys / "demonstration.revoked.pem")

    with pytest.raises(BundleRefusedError, match=r"revoked key demonstration\.revoked\.pem"):
        verify(folder, load_keys([SHIPPED_KEYS, keys]))


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    key = X25519PrivateKey.generate().public_key()
    (tmp_path / "x.pem").write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    with pytest.raises(InvalidInputError, match="not an Ed25519 key"):
        load_keys([tmp_path])


def test_a_key_file_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("hello")

    with pytest.raises(InvalidInputError, match=r"x\.pem"):
        load_keys([tmp_path])


def test_a_key_nobody_knows_in_the_manifest_is_refused(resealed: Any) -> None:
    folder = resealed(lambda manifest: manifest.update(pickle="weights.pkl"))

    with pytest.raises(BundleRefusedError, match=r"pickle.*a release that knows this bundle"):
        verify(folder, OURS)


def test_a_golden_output_the_runtime_does_not_reproduce_is_not_served(resealed: Any) -> None:
    folder = resealed(lambda manifest: manifest["golden"][0].update(probability=0.123))
    catalog = Catalog.load([folder.parent], OURS)

    with pytest.raises(BundleRefusedError, match="its golden input er=positive her2=0 t=1 gives"):
        catalog.open(BUNDLE)


def test_a_change_of_level_within_the_tolerance_is_not_served(resealed: Any) -> None:
    def move_threshold(manifest: dict[str, Any]) -> None:
        golden = manifest["golden"][0]
        manifest["thresholds"][0]["value"] = golden["probability"] + 1e-9
        golden.update(probability=golden["probability"] + 2e-9, tolerance=1e-6)

    catalog = Catalog.load([resealed(move_threshold).parent], OURS)

    with pytest.raises(BundleRefusedError, match="golden"):
        catalog.open(BUNDLE)


def test_a_graph_the_runtime_cannot_load_is_refused(folder: Path, resealed: Any) -> None:
    (folder / "model.onnx").write_bytes(b"no graph")
    digest = hashlib.sha256(b"no graph").hexdigest()
    resealed(lambda manifest: manifest["files"].update({"model.onnx": digest}))

    with pytest.raises(BundleRefusedError, match="cannot load its graph"):
        Catalog.load([folder.parent], OURS).open(BUNDLE)


def test_a_refused_bundle_is_a_problem_and_hinders_no_other(folder: Path) -> None:
    (folder / "card.md").write_text("better than it is")
    catalog = Catalog.load([folder.parent, SHIPPED_BUNDLES], KEYS)

    assert {one.reference.bundle_id for one in catalog.installed} == {path.name for path in SHIPPED_BUNDLES.iterdir()}
    assert [(one.bundle, one.reason) for one in catalog.problems] == [
        (BUNDLE, "card.md was altered (its sha256 differs)")
    ]


def test_asking_for_a_refused_bundle_says_why(folder: Path) -> None:
    (folder / "card.md").write_text("better than it is")

    with pytest.raises(BundleRefusedError, match=r"card\.md was altered"):
        Catalog.load([folder.parent], KEYS).open(BUNDLE)


def test_a_bundle_altered_after_it_was_listed_is_refused_when_opened(folder: Path) -> None:
    catalog = Catalog.load([folder.parent], KEYS)
    (folder / "model.onnx").write_bytes(b"other")

    with pytest.raises(BundleRefusedError, match=r"model\.onnx was altered"):
        catalog.open(BUNDLE)


def test_a_bundle_replaced_after_it_was_listed_is_refused_when_opened(folder: Path, resealed: Any) -> None:
    both = TrustedKeys(KEYS.trusted + OURS.trusted)
    catalog = Catalog.load([folder.parent], both)
    resealed(lambda manifest: manifest.update(version="9.0.0"))

    with pytest.raises(BundleRefusedError, match="replaced while in use"):
        catalog.open(BUNDLE)


def test_the_digest_a_case_pinned_must_be_the_one_that_is_opened() -> None:
    with pytest.raises(NotFoundError, match=f"no installed bundle {BUNDLE}@000000000000"):
        installed_catalog().open(BUNDLE, "0" * 64)


def test_the_shipped_bundle_answers_for_its_variant_and_no_other() -> None:
    catalog = installed_catalog()
    reference = catalog.for_variant("ln_pcr", "clinical")

    assert reference is not None
    assert reference.bundle_id == BUNDLE
    assert catalog.for_variant("ln_pcr", "clinical-dlr") is None


def test_of_two_versions_the_newer_answers(folder: Path, resealed: Any) -> None:
    resealed(lambda manifest: manifest.update(version="1.10.0"))
    catalog = Catalog.load([SHIPPED_BUNDLES, folder.parent], TrustedKeys(KEYS.trusted + OURS.trusted))
    reference = catalog.for_variant("ln_pcr", "clinical")

    assert reference is not None
    assert reference.version == "1.10.0"


def test_a_site_adds_its_own_folder_and_keys(folder: Path, resealed: Any, tmp_path: Path) -> None:
    resealed(lambda manifest: manifest.update(version="2.0.0"))
    keys = tmp_path / "keys"
    keys.mkdir()
    pem(keys, "site.pem")
    catalog = installed_catalog([folder.parent], keys)

    assert catalog.find(BUNDLE).signer == "site.pem"


def test_verify_names_what_was_checked() -> None:
    names = [check.name for check in checked(installed_catalog(), BUNDLE)]

    assert names == ["signature", "files", "digest", "golden"]


def test_the_card_says_where_the_intercept_comes_from_and_carries_the_external_result() -> None:
    card = installed_catalog().find(BUNDLE).card

    assert (
        "solved so that the mean of P(non-pCR) over the product of table 2's marginals of ER, HER2 and T "
        "(both columns added, N = 447) is 216/447" in card
    )
    assert "| auc | 0.6427 | 0.5463 to 0.7392" in card
    assert "axillary_pcr | 143 | 49 |" in card


def test_every_metric_names_its_positive_class_and_number_of_patients() -> None:
    manifest = installed_catalog().find(BUNDLE).manifest

    assert manifest.metrics
    assert {(one.positive_class, one.n, one.positives) for one in manifest.metrics} == {("axillary_pcr", 143, 49)}
    assert all(one.interval_method for one in manifest.metrics if one.interval)
