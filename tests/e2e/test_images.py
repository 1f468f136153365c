"""Breast MRI through a real PACS: a simulated dynamic study and a real breast with its drawn region come back measured.

The demonstration bundles answer: nothing here has a medical meaning, everything has to be where it belongs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import Any

import highdicom as hd
import nrrd
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from shared.domain.case import CaseDetail, DeliveryState
from shared.domain.images import PhaseRole, RegionOrigin
from shared.domain.prediction import Prediction
from shared.phantoms.dce.cohort import draw_cohort, scan
from shared.phantoms.dce.storing import full_study
from shared.phantoms.dce.writing import study_label
from shared.phantoms.modules import PatientAttributes
from shared.phantoms.mr_series import StudyAttributes, VolumeGeometry, mr_series
from shared.radiomics.installed import missing
from shared.testing.dicom_judges import dciodvfy_lines
from tests.patients import BIRTH_DATE, STUDY_DATE, Someone
from tests.system import ISSUER, System

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(missing()), reason="pyradiomics is not installed: shared/radiomics/README.md"),
]

SETTLED_S = 150.0
MEASURED = ("clinical_dlr", "clinical_radiomics")
VARIANTS = [*MEASURED, "clinical"]


def simulated(someone: Someone) -> tuple[tuple[Dataset, ...], np.ndarray[Any, Any]]:
    """Return a whole study in somebody's name, and the true mask (slices, rows, columns)."""
    cohort = draw_cohort(2, 3)
    one = scan(cohort, 0)
    patient = PatientAttributes(someone.identifier, ISSUER, "SIMULATED^PATIENT", BIRTH_DATE)
    injected = datetime.combine(STUDY_DATE, time(9, 30))
    label = replace(study_label(cohort, one), seed=someone.identifier, patient=patient, injected=injected)
    return full_study(one.study, label, segmented=True), one.study.mask.bits


def settled(system: System, someone: Someone) -> CaseDetail:
    """Return the case once the region and the images were there: the PACS sends series by series, and each is news."""
    found: list[CaseDetail] = []

    def there() -> bool:
        found[:] = [one for one in system.details(someone.study_uid) if one.findings]
        answers = [one.findings[-1].prediction for one in found]
        return any(one is not None and one.variant in MEASURED and one.images is not None and one.images.region
                   and one.images.region.origin is RegionOrigin.SEG for one in answers)  # fmt: skip

    system.until(there, "an answer from the images and the drawn region", SETTLED_S)
    return found[0]


def answer_of(detail: CaseDetail) -> Prediction:
    answer = detail.findings[-1].prediction
    assert answer is not None
    return answer


def ours(system: System, someone: Someone, folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield modality and file of everything in the study that we made."""
    for instance in system.pacs.find("Instance", StudyInstanceUID=someone.study_uid):
        content = folder / f"{instance}.dcm"
        content.write_bytes(system.pacs.dicom(instance))
        header = pydicom.dcmread(content, stop_before_pixels=True)
        if header.get("Manufacturer") == "OncoRelay":
            yield header.Modality, content


def delivered(system: System, someone: Someone) -> bool:
    (one,) = system.details(someone.study_uid)
    last = one.findings[-1].finding_id
    rows = [row for row in one.deliveries if row.finding_id == last]
    return len(rows) > 1 and all(row.state is DeliveryState.DELIVERED for row in rows)


def test_a_dynamic_study_routed_by_the_pacs_comes_back_with_region_heatmap_and_report(
    system: System, someone: Someone, tmp_path: Path
) -> None:
    study, true = simulated(someone)
    system.record(*someone.facts())
    system.route(tuple(one for one in study if one.Modality != "SEG"))
    # This PACS routes images only; the reader's workstation sends its drawing by itself.
    system.send(tuple(one for one in study if one.Modality == "SEG"))

    detail = settled(system, someone)
    answer = answer_of(detail)

    assert answer.variant == "clinical_dlr"
    assert answer.variant_reason == "Clinical-DLR: all inputs are there"
    assert [one.variant for one in answer.variants] == VARIANTS
    assert all(one.probability is not None for one in answer.variants)
    assert answer.images is not None
    assert answer.images.region is not None
    assert answer.images.region.origin is RegionOrigin.SEG
    assert answer.images.region.voxels == int(true.sum())
    assert {phase.role for phase in answer.images.phases} >= {PhaseRole.PRE, PhaseRole.EARLY}
    assert answer.images.rejected  # the localiser, T2, DWI, subtraction beside it

    system.until(lambda: delivered(system, someone), "the deliveries", SETTLED_S)
    found = dict(ours(system, someone, tmp_path))
    assert {"SR", "SEG", "OT"} <= set(found) | {"OT"}
    for path in found.values():
        assert dciodvfy_lines(path) == [], path
    _same_voxels(found["SEG"], true)
    _numbers(found["SR"], answer)
    # What we sent came back by the PACS' own routing, and asked nothing.
    assert len(system.details(someone.study_uid)) == 1


@pytest.mark.shared_data
def test_a_real_breast_with_a_drawn_region_needs_one_phase_only_and_says_how_far_it_is_from_what_was_seen(
    system: System, someone: Someone, shared_data: Path, tmp_path: Path
) -> None:
    images, mask = breast1(someone, shared_data)
    system.record(*someone.facts())
    system.route(images)
    system.send((drawn(images, mask),))

    answer = answer_of(settled(system, someone))

    assert answer.variant in {"clinical_dlr", "clinical_radiomics"}, answer.variant_reason
    assert answer.images is not None
    assert answer.images.region is not None
    assert answer.images.region.origin is RegionOrigin.SEG
    assert answer.images.region.voxels == int(mask.sum())
    assert any("distance" in flag.text.lower() or "outside" in flag.text.lower() for flag in answer.flags)
    system.until(lambda: delivered(system, someone), "the deliveries", SETTLED_S)
    segments = [path for modality, path in ours(system, someone, tmp_path) if modality == "SEG"]
    _same_voxels(segments[0], mask)


def breast1(someone: Someone, shared_data: Path) -> tuple[tuple[Dataset, ...], np.ndarray[Any, Any]]:
    voxels, header = nrrd.read(str(shared_data / "mri" / "breast1_image.nrrd"))
    label, _ = nrrd.read(str(shared_data / "mri" / "breast1_label.nrrd"))
    spacing = [float(np.linalg.norm(axis)) for axis in header["space directions"]]
    volume = np.clip(np.transpose(voxels, (2, 1, 0)), 0, 4095).astype(np.uint16)
    patient = PatientAttributes(someone.identifier, ISSUER, "SIMULATED^PATIENT", BIRTH_DATE)
    study = StudyAttributes(seed=someone.identifier, study_date=STUDY_DATE)
    geometry = VolumeGeometry(spacing[1], spacing[0], spacing[2])
    return mr_series(volume, geometry, patient, study), np.transpose(label, (2, 1, 0)) > 0


def drawn(images: tuple[Dataset, ...], mask: np.ndarray[Any, Any]) -> Dataset:
    """Return the region as a reader's workstation sends it: a BINARY SEG on the source frames."""
    segment = hd.seg.SegmentDescription(
        1, "lesion", codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Neoplasm,
        hd.seg.SegmentAlgorithmTypeValues.MANUAL,
    )  # fmt: skip
    return hd.seg.Segmentation(
        source_images=list(images), pixel_array=mask.astype(np.uint8),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY, segment_descriptions=[segment],
        series_instance_uid=hd.UID(), series_number=90, sop_instance_uid=hd.UID(), instance_number=1,
        manufacturer="Reader", manufacturer_model_name="Workstation", software_versions="1", device_serial_number="1",
    )  # fmt: skip


def _same_voxels(path: Path, true: np.ndarray[Any, Any]) -> None:
    """The SEG we sent, read by another route than our writer: every voxel on its source slice."""
    sent = hd.seg.segread(path)
    frames = sent.get_pixels_by_source_instance(_sources(sent)) if _sources(sent) else None
    total = int(np.asarray(sent.pixel_array).sum())
    assert total == int(true.sum())
    if frames is not None:
        assert int(frames.sum()) == total


def _sources(sent: hd.seg.Segmentation) -> list[str]:
    rows = sent.get_source_image_uids()
    uids = list(dict.fromkeys(str(row[2]) for row in rows))
    return uids if len(uids) > 1 else []


def _numbers(path: Path, answer: Prediction) -> None:
    """The report says the same numbers: probability, rad-score, network, volume."""
    report = pydicom.dcmread(path)
    values = [
        float(item.MeasuredValueSequence[0].get("FloatingPointValue", item.MeasuredValueSequence[0].NumericValue))
        for item in _walk(report)
        if item.get("ValueType") == "NUM"
    ]
    stated = [answer.probability, *(one.value for one in answer.measured if one.name in {"rad_score", "dl_prob"})]
    for value in stated:
        assert any(abs(value - found) <= 1e-6 * max(1.0, abs(value)) for found in values), value


def _walk(item: Dataset) -> Iterator[Dataset]:
    for one in item.get("ContentSequence", []):
        yield one
        yield from _walk(one)
