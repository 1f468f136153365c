"""What multi-frame objects share: their planes, the frames they were derived from, and proof of where they lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy

import numpy as np
from highdicom import PixelMeasuresSequence, PlanePositionSequence
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.valuerep import format_number_as_ds

from services.results.deliver.formats.source_slices import TOLERANCE_VOXELS, SourceSlice
from services.results.deliver.formats.style import Style, derived_uid
from shared.domain.errors import PermanentError
from shared.imaging.volume import Grid

_STAND_IN = "1.2.3"
"""Root of the UIDs that stand for frames while an object is built: several frames may be of one object."""


def stand_ins(slices: Sequence[SourceSlice]) -> list[Dataset]:
    """Return the planes, each under a UID of its own and without the patient's name, for the library that builds."""
    planes = []
    for one in slices:
        plane = Dataset()
        for element in one.header:
            if element.keyword not in ("PatientName", "SOPInstanceUID"):
                plane.add(element)
        plane.SOPInstanceUID, plane.PatientName = _stand_in(one), ""
        planes.append(plane)
    return planes


def name_sources(document: Dataset, slices: Sequence[SourceSlice]) -> None:
    """Put the stored objects and frame numbers where the stand-ins are named; each object stands once in a list."""
    known = {_stand_in(one): one for one in slices}
    for item in _items(document):
        for keyword in ("SourceImageSequence", "ReferencedInstanceSequence"):
            if keyword in item:
                item[keyword].value = Items(_named(item[keyword].value, known, frames=keyword == "SourceImageSequence"))


def fix_dimensions(document: Dataset, grid: Grid, style: Style) -> None:
    """Derive the UID of the dimensions, which the library draws at random; state the spacing across empty slices."""
    uid = derived_uid(style.uid_root, "dimensions", str(document.SOPInstanceUID))
    for item in (*document.DimensionOrganizationSequence, *document.DimensionIndexSequence):
        item.DimensionOrganizationUID = uid
    spacing = document.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    spacing.SpacingBetweenSlices = format_number_as_ds(grid.spacing.slices)


def positions(grid: Grid, slices: Sequence[SourceSlice], corner: tuple[int, int]) -> list[PlanePositionSequence]:
    """Return the positions of planes that begin at ``corner`` (row, column) of the slices."""
    offset = grid.affine[:3, 1:3] @ np.array(corner, dtype=np.float64)
    places = [np.array(one.header.ImagePositionPatient, dtype=np.float64) + offset for one in slices]
    return [PlanePositionSequence("PATIENT", [float(value) for value in place]) for place in places]


def measures(slices: Sequence[SourceSlice]) -> PixelMeasuresSequence:
    """Return spacing and thickness as the source states them."""
    header = slices[0].header
    return PixelMeasuresSequence(header.PixelSpacing, header.SliceThickness)


def prove(document: Dataset, grid: Grid, expected: Callable[[int], NDArray[np.generic]]) -> None:
    """Compare every frame of a multi-frame object, as a reader finds it, with ``expected(slice)`` on the grid.

    Raises:
        PermanentError: If one voxel differs or lies elsewhere; nothing may be sent then.
    """
    pixels = document.pixel_array
    pixels = pixels if pixels.ndim == 3 else pixels[np.newaxis]
    shared = document.SharedFunctionalGroupsSequence[0]
    for item, frame in zip(document.PerFrameFunctionalGroupsSequence, pixels, strict=True):
        index, row, column = _start(grid, shared, item, frame.shape)
        part = expected(index)[row : row + frame.shape[0], column : column + frame.shape[1]]
        if not np.array_equal(part, frame):
            raise PermanentError("what was rendered is not what was measured: nothing was sent")


def _start(grid: Grid, shared: Dataset, item: Dataset, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return where a frame begins on the grid, in whole voxels, having looked at three of its corners."""
    along_row, along_column = np.array(
        shared.PlaneOrientationSequence[0].ImageOrientationPatient, dtype=np.float64
    ).reshape(2, 3)
    rows_mm, columns_mm = (float(value) for value in shared.PixelMeasuresSequence[0].PixelSpacing)
    origin = np.array(item.PlanePositionSequence[0].ImagePositionPatient, dtype=np.float64)
    down, across = along_column * rows_mm * (shape[0] - 1), along_row * columns_mm * (shape[1] - 1)
    found = grid.index(np.stack([origin, origin + down, origin + across]))
    start = np.round(found[0])
    wanted = start + np.array([[0, 0, 0], [0, shape[0] - 1, 0], [0, 0, shape[1] - 1]])
    if (np.abs(found - wanted) > TOLERANCE_VOXELS).any():
        raise PermanentError("what was rendered lies elsewhere than what was measured: nothing was sent")
    return int(start[0]), int(start[1]), int(start[2])


def _stand_in(one: SourceSlice) -> str:
    return f"{_STAND_IN}.{one.index + 1}"


def _items(dataset: Dataset) -> Iterator[Dataset]:
    yield dataset
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from _items(item)


def _named(rows: Sequence[Dataset], known: dict[str, SourceSlice], *, frames: bool) -> Iterator[Dataset]:
    """Return the references to the stored objects; with the frame numbers where a frame is meant."""
    merged: dict[str, Dataset] = {}
    numbers: dict[str, list[int]] = {}
    for row in rows:
        one = known.get(str(row.ReferencedSOPInstanceUID))
        uid = one.frame.sop_instance_uid if one else str(row.ReferencedSOPInstanceUID)
        kept = merged.setdefault(uid, deepcopy(row))
        if one is not None:
            kept.ReferencedSOPClassUID, kept.ReferencedSOPInstanceUID = one.sop_class_uid, uid
        if one is not None and frames and one.multi_frame:
            numbers.setdefault(uid, []).append(one.frame.number)
            kept.ReferencedFrameNumber = numbers[uid]
    yield from merged.values()
