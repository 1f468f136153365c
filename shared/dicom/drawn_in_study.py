"""Everything that is drawn in a study: its segmentations, structure sets and mask files, ours excepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.dicom.drawing import Drawing
from shared.dicom.mask_file import drawings_in_file
from shared.dicom.region_object import SEGMENTATIONS, holds_regions, is_ours, open_region_object
from shared.dicom.segmentation import Known, drawings_in_segmentation
from shared.dicom.stored_object import StoredObject
from shared.dicom.structure_set import drawings_in_structure_set
from shared.domain.errors import InvalidInputError
from shared.imaging.dynamic import ImageProblem, ImageTrouble

MOST_OBJECTS = 64
"""Objects with regions, and mask files, that are looked into; a study has a handful."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawings:
    """What was found, and what could not be read."""

    found: tuple[Drawing, ...]
    unreadable: tuple[ImageTrouble, ...] = ()


def drawings_of(
    objects: Sequence[StoredObject], mask_files: Sequence[Path], known: Known, device_uid: str = ""
) -> Drawings:
    """Return what is drawn in these; objects without regions are passed over, and so is what this system wrote."""
    found: list[Drawing] = []
    unreadable: list[ImageTrouble] = []
    with_regions = [stored for stored in objects if holds_regions(stored)]
    sources: list[StoredObject | Path] = [*with_regions[:MOST_OBJECTS], *mask_files[:MOST_OBJECTS]]
    for source in sources:
        try:
            found.extend(_in_one(source, known, device_uid))
        except InvalidInputError as error:
            text = f"A region came with the study and cannot be read ({error.element}: {error.reason})."
            unreadable.append(ImageTrouble(ImageProblem.NO_REGION, text))
    return Drawings(tuple(found), tuple(unreadable))


def _in_one(source: StoredObject | Path, known: Known, device_uid: str) -> tuple[Drawing, ...]:
    if isinstance(source, Path):
        return drawings_in_file(source)
    data_set = open_region_object(source)
    if is_ours(data_set, device_uid):
        return ()
    if str(data_set.SOPClassUID) in SEGMENTATIONS:
        return drawings_in_segmentation(data_set, known)
    return drawings_in_structure_set(data_set)
