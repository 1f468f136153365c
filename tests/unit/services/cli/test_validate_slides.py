"""``oncorelay validate`` and ``calibrate her2`` with the demonstration bundle, on simulated slides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from services.cli.calibrate import calibrate
from services.cli.models import validate
from shared.bundles.keys import TrustedKeys
from shared.bundles.slide_calibration import load_calibrations
from tests.unit.services.model_factory.slides.small import cohort

BUNDLE = "her2-tl_pa-demonstration"
SLIDES = 52


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cohort of slides of half a thousand pixels, and beside it what was read of them."""
    return cohort(tmp_path_factory.mktemp("slides"), SLIDES, seed=3)


def test_the_bundle_is_measured_on_slides_it_has_not_seen(slides: Path) -> None:
    options = ["--cohort", str(slides), "--processes", "1", "--measurements", str(slides.parent / "read"), "--json"]
    answer = CliRunner().invoke(validate, [BUNDLE, *options])

    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert (found["bundle"], found["positive_class"], found["unit"]) == (BUNDLE, "her2_positive", "slide")
    assert 0 < found["n"] <= SLIDES
    assert 0.5 < found["auc"] <= 1.0


def test_a_record_of_one_scanner_is_signed_by_a_key_that_is_trusted_and_by_no_other(
    slides: Path, tmp_path: Path
) -> None:
    key, pem = Ed25519PrivateKey.generate(), tmp_path / "site.pem"
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    pem.chmod(0o600)
    options = [
        "her2", "--bundle", BUNDLE, "--cohort", str(slides), "--manufacturer", "SIMULATED", "--model", "Alpha",
        "--site", "Tests", "--out", str(tmp_path / "records"), "--key", str(pem), "--processes", "1", "--patches",
        str(slides.parent / "read"),
    ]  # fmt: skip
    answer = CliRunner().invoke(calibrate, options)

    assert answer.exit_code == 0, answer.output
    assert "shift " in answer.output
    known = load_calibrations(tmp_path / "records", TrustedKeys((("site.pem", key.public_key()),)))
    ((record, pinned),) = known.records
    assert (record.manufacturer, record.model, record.bundle_id) == ("SIMULATED", "Alpha", BUNDLE)
    assert record.n >= 20
    assert record.interval is not None
    assert record.interval[0] <= pinned.shift <= record.interval[1]
    strange = TrustedKeys((("other.pem", Ed25519PrivateKey.generate().public_key()),))
    assert load_calibrations(tmp_path / "records", strange).records == ()
    assert key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) not in pem.read_bytes()


def test_a_scanner_with_too_few_slides_is_refused(slides: Path, tmp_path: Path) -> None:
    pem = tmp_path / "site.pem"
    key = Ed25519PrivateKey.generate()
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    pem.chmod(0o600)
    options = [
        "her2", "--bundle", BUNDLE, "--cohort", str(slides), "--manufacturer", "Leica", "--model", "GT450", "--site",
        "Tests", "--out", str(tmp_path / "records"), "--key", str(pem), "--processes", "1", "--patches",
        str(slides.parent / "read"),
    ]  # fmt: skip
    answer = CliRunner().invoke(calibrate, options)
    assert answer.exit_code != 0
    assert "20 are needed" in str(answer.exception)
