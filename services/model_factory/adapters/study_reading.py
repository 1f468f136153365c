"""The files of one patient read as serving reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from services.model_factory.handlers.cohort.imaged import StudyFiles
from shared.dicom.breast_mri import read_breast_images
from shared.dicom.stored_object import StoredObject
from shared.domain.images import AutomaticRegion
from shared.imaging.dynamic import ImageTrouble
from shared.imaging.region import BreastImages

_DICOM_PREFIX = b"DICM"


def read_study(files: StudyFiles) -> BreastImages | ImageTrouble:
    """Return the study's volumes with its region, drawn or found.

    Raises:
        InvalidInputError: If a file cannot be read.
    """
    objects = [StoredObject(file) for file in files_below(files.study)]
    masks = [one for one in (files.mask, files.second_mask) if one]
    objects += [StoredObject(one) for one in masks if _is_dicom(one)]
    drawn = [one for one in masks if not _is_dicom(one)]
    return read_breast_images(objects, automatic=AutomaticRegion.USE, confirmed=None, side=None, mask_files=drawn)


def files_below(part: Path) -> Iterator[Path]:
    """Yield the file, or every file of the folder, in the order of their names."""
    if part.is_file():
        yield part
        return
    yield from (one for one in sorted(part.rglob("*")) if one.is_file())


def _is_dicom(file: Path) -> bool:
    with file.open("rb") as opened:
        opened.seek(128)
        return opened.read(4) == _DICOM_PREFIX
