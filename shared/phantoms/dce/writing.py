"""A cohort with images on disk: sheets, masks, and one folder of DICOM objects per patient."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Literal

from pydicom.dataset import Dataset
from pydicom.filewriter import dcmwrite

from shared.imaging.nrrd import nrrd
from shared.phantoms.dce.attributes import StudyLabel
from shared.phantoms.dce.cohort import DrawnCohort, ScannedPatient, scan
from shared.phantoms.dce.manifest import (
    MANIFEST_FILE,
    SHEET_FILE,
    TRUTH_FILE,
    manifest,
    patient_name,
    sheet,
    truth_row,
    truth_sheet,
)
from shared.phantoms.dce.segmentation import segmentation_object
from shared.phantoms.dce.storing import dynamic_objects
from shared.phantoms.modules import PatientAttributes

MaskForm = Literal["nrrd", "seg"]
_ENDINGS: dict[MaskForm, str] = {"nrrd": "nrrd", "seg": "dcm"}
_FIRST_DAY = datetime(2024, 1, 8, 9, 30)  # noqa: DTZ001  # DICOM times are the scanner's own


def write_cohort(
    cohort: DrawnCohort,
    folder: Path,
    *,
    phases: int | None = None,
    masks_as: MaskForm = "nrrd",
    one_done: Callable[[], None] = lambda: None,
) -> Path:
    """Write the whole cohort below ``folder``; return the manifest, which is written last.

    Args:
        cohort: As drawn.
        folder: Receives ``manifest.toml``, ``patients.csv``, ``truth.csv``, ``masks/`` and ``studies/``.
        phases: Of each dynamic series, the pre-contrast phase included; None: all the scanner takes.
        masks_as: NRRD, or DICOM Segmentation.
        one_done: Called after each patient.
    """
    rows = []
    for row in range(cohort.n):
        one = scan(cohort, row, phases=phases)
        _write_patient(cohort, one, folder, masks_as)
        rows.append(truth_row(cohort, one))
        one_done()
    (folder / SHEET_FILE).write_text(sheet(cohort, _ENDINGS[masks_as]), encoding="utf-8")
    (folder / TRUTH_FILE).write_text(truth_sheet(rows), encoding="utf-8")
    (folder / MANIFEST_FILE).write_text(manifest(cohort), encoding="utf-8")
    return folder / MANIFEST_FILE


def study_label(cohort: DrawnCohort, one: ScannedPatient) -> StudyLabel:
    """Return who and when: a pseudonym, a day of her own."""
    name = patient_name(one.row)
    return StudyLabel(
        seed=f"dce {cohort.seed} {one.row}",
        patient=PatientAttributes(name.upper(), "SIMULATED", f"Simulated^{one.row + 1:06d}", None),
        injected=_FIRST_DAY + timedelta(days=one.row % 700),
        accession_number=f"SIM{one.row + 1:06d}",
        side=one.setting.side,
    )


def encoded(one: Dataset) -> bytes:
    """Return the DICOM file of an object."""
    stream = BytesIO()
    dcmwrite(stream, one, enforce_file_format=True)
    return stream.getvalue()


def write_objects(objects: tuple[Dataset, ...], folder: Path) -> tuple[Path, ...]:
    """Write each object to ``folder``; return the files in order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(folder / f"{number:05d}.dcm" for number in range(1, len(objects) + 1))
    for path, one in zip(paths, objects, strict=True):
        path.write_bytes(encoded(one))
    return paths


def _write_patient(cohort: DrawnCohort, one: ScannedPatient, folder: Path, masks_as: MaskForm) -> None:
    name = patient_name(one.row)
    label = study_label(cohort, one)
    dynamic = dynamic_objects(one.study, label)
    write_objects(dynamic, folder / "studies" / name)
    masks = folder / "masks"
    masks.mkdir(exist_ok=True)
    for number, (reader, mask) in enumerate((("", one.study.mask), ("-second", one.study.second_mask)), start=90):
        seg = segmentation_object(one.study, label, dynamic, mask, number) if masks_as == "seg" else None
        content = nrrd(mask) if seg is None else encoded(seg)
        (masks / f"{name}{reader}.{_ENDINGS[masks_as]}").write_bytes(content)
