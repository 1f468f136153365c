"""The stored frames a region lies on, each as the header of one plane: what derived images take over from them.

Enhanced objects keep position and orientation per frame (PS3.3 C.7.6.16): every frame becomes a plane of its own here,
so that one way of rendering serves both, and its object and frame number are named again in what is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage
from pydicom.valuerep import format_number_as_ds

from services.results.deliver.ports import RefusedError
from shared.imaging.volume import Frame, Grid

TOLERANCE_VOXELS = np.array([0.25, 0.05, 0.05])
"""Slices, rows, columns: so far a frame may lie from its place in the even grid of its phase."""
_TOLERANCE_COSINE = 2e-3
"""As far as frames of one volume may be turned against each other (``shared.imaging.stack``)."""
_ROUNDED = 1e-5
_COPIED = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate",
    "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName", "StudyDescription", "PatientAge",
    "PatientSize", "PatientWeight", "TimezoneOffsetFromUTC",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceSlice:
    """One slice of the grid and the stored frame it is."""

    index: int
    """Of the slice in the grid, from 0."""
    frame: Frame
    header: Dataset
    """As a single-frame image: geometry, patient and study; the UIDs are those of the stored object."""
    sop_class_uid: str
    multi_frame: bool


def source_slices(
    grid: Grid, indices: Sequence[int], headers: Mapping[str, Dataset], study: Dataset
) -> tuple[SourceSlice, ...]:
    """Return the frames of the slices ``indices``; ``headers`` by SOP Instance UID, ``study`` gives patient and study.

    Raises:
        RefusedError: If a frame is missing, is of another patient or study, or lies elsewhere than the grid says.
    """
    if not grid.frames:
        raise RefusedError("the region does not name the frames it lies on")
    slices = tuple(_slice(grid, index, headers, study) for index in indices)
    _one_plane(grid, slices)
    return slices


def _slice(grid: Grid, index: int, headers: Mapping[str, Dataset], study: Dataset) -> SourceSlice:
    frame = grid.frames[index]
    header = headers.get(frame.sop_instance_uid)
    if header is None:
        raise RefusedError("the region lies on a frame that is not stored")
    if str(header.get("PatientID", "")).strip() != str(study.PatientID).strip():
        raise RefusedError("identity conflict: a frame of the region carries another Patient ID than the result")
    if header.StudyInstanceUID != study.StudyInstanceUID:
        raise RefusedError("a frame of the region belongs to another study than the result")
    multi_frame = "PerFrameFunctionalGroupsSequence" in header
    plane = _plane(header, frame, study)
    _lies_where_the_grid_says(grid, index, plane)
    return SourceSlice(index, frame, plane, str(header.SOPClassUID), multi_frame)


def _plane(header: Dataset, frame: Frame, study: Dataset) -> Dataset:
    plane = Dataset()
    for keyword in _COPIED:
        if keyword in study:
            plane[keyword] = study[keyword]
    # The library that writes asks the class whether there are frames; the true one is in ``SourceSlice``.
    plane.SOPClassUID, plane.SOPInstanceUID = MRImageStorage, header.SOPInstanceUID
    plane.SeriesInstanceUID, plane.Modality = header.SeriesInstanceUID, header.get("Modality", "MR")
    plane.FrameOfReferenceUID = header.get("FrameOfReferenceUID", "")
    plane.PositionReferenceIndicator = header.get("PositionReferenceIndicator", "") or ""
    plane.Rows, plane.Columns = header.Rows, header.Columns
    for keyword in ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        if keyword in header:
            plane[keyword] = header[keyword]
    try:
        plane.ImagePositionPatient = _of(header, frame, "PlanePositionSequence", "ImagePositionPatient")
        plane.ImageOrientationPatient = _of(header, frame, "PlaneOrientationSequence", "ImageOrientationPatient")
        plane.PixelSpacing = _of(header, frame, "PixelMeasuresSequence", "PixelSpacing")
        plane.SliceThickness = _of(header, frame, "PixelMeasuresSequence", "SliceThickness")
    except (KeyError, IndexError, AttributeError) as error:
        raise RefusedError("a frame of the region does not say where it lies") from error
    return plane


def _of(header: Dataset, frame: Frame, sequence: str, keyword: str) -> object:
    """Return an attribute of one frame: at the root of a single-frame image, else per frame, else shared."""
    for item in _groups(header, frame):
        if sequence in item and keyword in item[sequence][0]:
            return item[sequence][0][keyword].value
    return header[keyword].value


def _groups(header: Dataset, frame: Frame) -> Iterator[Dataset]:
    if "PerFrameFunctionalGroupsSequence" in header:
        yield header.PerFrameFunctionalGroupsSequence[frame.number - 1]
        yield header.SharedFunctionalGroupsSequence[0]


def _lies_where_the_grid_says(grid: Grid, index: int, plane: Dataset) -> None:
    """A mask on the wrong frame, or mirrored, is the worst that can be sent: compared with the frame's own header.

    Vendors round: a slice may lie a little before or behind its place in an even stack, and is still that slice.
    """
    if (int(plane.Rows), int(plane.Columns)) != grid.shape[1:]:
        raise RefusedError("the region has another size than the frames it names")
    if plane.FrameOfReferenceUID != grid.frame_of_reference_uid:
        raise RefusedError("the region has another frame of reference than the frames it names")
    along_row, along_column = np.array(plane.ImageOrientationPatient, dtype=np.float64).reshape(2, 3)
    rows_mm, columns_mm = (float(value) for value in plane.PixelSpacing)
    stated = np.stack([along_column * rows_mm, along_row * columns_mm], axis=1)
    found = grid.index(np.array(plane.ImagePositionPatient, dtype=np.float64))
    moved = np.abs(found - np.array([index, 0.0, 0.0]))
    turned = float(np.abs(grid.affine[:3, 1:3] - stated).max())
    if (moved > TOLERANCE_VOXELS).any() or turned > _TOLERANCE_COSINE * max(rows_mm, columns_mm):
        raise RefusedError("the region lies elsewhere than the frames it names")


def _one_plane(grid: Grid, slices: tuple[SourceSlice, ...]) -> None:
    """Give all slices one orientation and one spacing: one object has one, however its sources round."""
    if not slices:
        return
    first = slices[0].header
    along = grid.affine[:3, 1:3] / np.linalg.norm(grid.affine[:3, 1:3], axis=0)
    even = np.concatenate([along[:, 1], along[:, 0]])
    exact = np.abs(np.array(first.ImageOrientationPatient, dtype=np.float64) - even).max() <= _ROUNDED
    cosines = list(first.ImageOrientationPatient) if exact else [format_number_as_ds(float(v)) for v in even]
    for one in slices:
        one.header.ImageOrientationPatient, one.header.PixelSpacing = cosines, first.PixelSpacing
