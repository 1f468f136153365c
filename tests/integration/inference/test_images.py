"""A worker as a process, a simulated study in its blob store: read in the jail, measured, answered, stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.bundles.catalog import Catalog, installed_catalog
from shared.bundles.keys import load_keys
from shared.domain.case import PinnedBundle, PinnedInstance, Pins
from shared.domain.images import ArtefactKind, AutomaticRegion, ImagingPolicy, RegionOrigin
from shared.domain.prediction import Prediction
from shared.imaging.artefacts import decode_heatmap, decode_region
from shared.messaging.orders import OrderQueue
from shared.phantoms.dce.cohort import draw_cohort, scan
from shared.phantoms.dce.storing import dynamic_objects
from shared.phantoms.dce.writing import encoded, study_label
from shared.radiomics.installed import missing
from shared.storage.blobs import LocalBlobs
from shared.testing.ports import wait_until
from tests.integration.inference.conftest import BUNDLE, Case, pins
from tests.variant_bundles import SIX, bundle_id, variant_bundles

pytestmark = pytest.mark.integration

LIMIT_MB = 1500


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with both bundles and one study in its store."""
    folder = tmp_path_factory.mktemp("site")
    bundles, keys = variant_bundles(folder)
    (folder / "site.toml").write_text(
        f'[site]\ndata_folder = "{folder / "data"}"\n\n[inference]\nbundle_folders = ["{bundles}"]\n'
        f'trusted_key_folder = "{keys}"\nthreads = 1\n'
    )
    return folder


@pytest.fixture(scope="module")
def instances(site: Path) -> tuple[PinnedInstance, ...]:
    cohort = draw_cohort(2, 1)
    one = scan(cohort, 0, phases=4)
    blobs = LocalBlobs(site / "data" / "blobs")
    found = []
    for document in dynamic_objects(one.study, study_label(cohort, one)):
        uri, digest = blobs.put(encoded(document))
        uid, kind, series = document.SOPInstanceUID, document.SOPClassUID, document.SeriesInstanceUID
        found.append(PinnedInstance(str(uid), str(kind), str(series), digest, "i", uri))
    return tuple(found)


@pytest.fixture
def start(site: Path, workers: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setenv("ONCORELAY_CONFIG", str(site / "site.toml"))
    begin: Callable[..., Any] = workers.start
    return begin


def image_pins(site: Path, instances: tuple[PinnedInstance, ...], **changes: Any) -> Pins:
    catalog = Catalog.load([site / "bundles"], load_keys([site / "keys"]))
    first, second = (catalog.find(bundle_id(name)).reference for name in ("clinical_dlr", "clinical_radiomics"))
    clinical = installed_catalog().find(BUNDLE).reference
    made = replace(
        pins(), variant="clinical_dlr", bundle_id=first.bundle_id, bundle_digest=first.digest, side=None,
        others=(PinnedBundle("clinical_radiomics", second), PinnedBundle("clinical", clinical)),
        imaging=ImagingPolicy(), instances=instances,
    )  # fmt: skip
    return replace(made, **changes)


def answered(ledger: Any, queue: OrderQueue, case_id: str, asked: Pins) -> Any:
    ledger.cases[case_id] = Case(asked)
    queue.send(case_id, 1)
    wait_until(lambda: any(one[0] == case_id for one in ledger.answers), "the answer", timeout_s=120)
    return next(answer for one, _, answer in ledger.answers if one == case_id)


def memory_mb(worker: Any) -> float:
    """Return the peak resident memory of the worker's living processes, summed: more than they ever had at once."""
    peaks = [_peak(worker.process.pid), *(_peak(child) for child in worker.children)]
    return sum(peaks) / 1024


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


@pytest.mark.skipif(bool(missing()), reason="pyradiomics is not installed: shared/radiomics/README.md")
def test_a_study_is_answered_by_the_network_variant_with_region_and_heatmap_stored_beside_it(
    site: Path, instances: tuple[PinnedInstance, ...], start: Any, ledger: Any, queue: OrderQueue
) -> None:
    worker = start(concurrency="2")
    answer = answered(ledger, queue, "case-a", image_pins(site, instances))
    again = answered(ledger, queue, "case-b", image_pins(site, instances))

    assert isinstance(answer, Prediction)
    assert answer.variant_reason == "Clinical-DLR: all inputs are there"
    assert [one.variant for one in answer.variants if one.probability is not None] == [
        "clinical_dlr", "clinical_radiomics", "clinical",
    ]  # fmt: skip
    assert set(SIX) | {"rad_score", "dl_prob", "volume", "median_ser"} <= {one.name for one in answer.measured}
    assert answer.images is not None
    assert answer.images.region is not None
    assert answer.images.region.origin is RegionOrigin.AUTOMATIC
    blobs = LocalBlobs(site / "data" / "blobs")
    for one, decode in zip(answer.artefacts, (decode_region, decode_heatmap), strict=True):
        content = blobs.read(one.blob_uri)
        assert hashlib.sha256(content).hexdigest() == one.digest
        decode(content)
    assert [one.kind for one in answer.artefacts] == [ArtefactKind.REGION, ArtefactKind.HEATMAP]
    # The same pins give the same numbers and the same bytes, in whichever child.
    assert again.probability == answer.probability
    assert [one.digest for one in again.artefacts] == [one.digest for one in answer.artefacts]
    assert memory_mb(worker) < LIMIT_MB


def test_a_site_that_takes_no_automatic_region_is_answered_from_the_clinic_with_the_reason(
    site: Path, instances: tuple[PinnedInstance, ...], start: Any, ledger: Any, queue: OrderQueue
) -> None:
    start()
    never = ImagingPolicy(AutomaticRegion.NEVER)
    answer = answered(ledger, queue, "case-a", image_pins(site, instances, imaging=never))

    assert isinstance(answer, Prediction)
    assert answer.variant == "clinical"
    assert "images_not_measured" in {flag.code for flag in answer.flags}
    assert answer.images is not None
    assert answer.images.region is None


def test_a_region_that_must_be_confirmed_comes_back_as_a_proposal_with_its_mask(
    site: Path, instances: tuple[PinnedInstance, ...], start: Any, ledger: Any, queue: OrderQueue
) -> None:
    start()
    asks = ImagingPolicy(AutomaticRegion.CONFIRM)
    proposed = answered(ledger, queue, "case-a", image_pins(site, instances, imaging=asks))

    assert proposed.DESCRIPTOR.name == "RegionProposed"
    mask = decode_region(LocalBlobs(site / "data" / "blobs").read(proposed.artefact.blob_uri))
    assert mask.count == proposed.region.voxels > 50
