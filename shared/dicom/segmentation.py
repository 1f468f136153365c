"""The segments of a Segmentation or Label Map Segmentation (PS3.3 A.51), each frame where its own header puts it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from shared.codes.segments import ABNORMAL, NO_FINDING, SIDES
from shared.dicom.drawing import Drawing, meaning_of
from shared.dicom.region_object import as_found
from shared.dicom.transfer_syntaxes import UNCOMPRESSED
from shared.domain.errors import InvalidInputError
from shared.domain.identity import Side
from shared.domain.images import DRAWN, RegionOrigin
from shared.imaging.dynamic import FrameHeader
from shared.imaging.placing import Placed, Plane, place_planes, plane_matrix
from shared.imaging.volume import Bits, Frame, Grid

MOST_SEGMENTS = 512
MOST_FRAMES = 8192
_LARGEST_FRAME = 1 << 24
Known = Mapping[Frame, FrameHeader]
"""The images of the study, by the frame."""


def drawings_in_segmentation(data_set: Dataset, known: Known) -> tuple[Drawing, ...]:
    """Return its segments in the order of their numbers.

    ``known`` places frames that carry no plane position of their own, by the image they refer to.

    Raises:
        InvalidInputError: If it cannot be one, in what it states or in what it lacks.
    """
    with as_found():
        frames = _Frames(data_set, known)
        segments = list(data_set.SegmentSequence)
        if not 0 < len(segments) <= MOST_SEGMENTS:
            raise InvalidInputError("SegmentSequence", f"one to {MOST_SEGMENTS} segments are read")
        alone = len(segments) == 1
        return tuple(_drawing(data_set, segment, frames, alone=alone) for segment in segments)


def _drawing(data_set: Dataset, segment: Dataset, frames: _Frames, *, alone: bool) -> Drawing:
    number = int(segment.SegmentNumber)
    codes = {_code(segment, "SegmentedPropertyCategoryCodeSequence")}
    meant = " ".join(
        (str(segment.get("SegmentLabel", "")), _text(segment, "SegmentedPropertyTypeCodeSequence", "CodeMeaning"))
    )
    how = DRAWN.get(str(segment.get("SegmentAlgorithmType", "")), "drawn in a way its object does not state")
    return Drawing(
        origin=RegionOrigin.SEG,
        meaning=meaning_of(meant, abnormal=bool(codes & ABNORMAL), organ=bool(codes & NO_FINDING)),
        place=partial(frames.placed, number, alone=alone),
        name=meant.upper(),
        how=f"DICOM segmentation, {how}{frames.fraction}",
        author="a person" if how == DRAWN["MANUAL"] else "",
        source_instance_uid=str(data_set.SOPInstanceUID),
        number=number,
        side=_side(data_set, segment),
        moment=f"{data_set.get('ContentDate', '')}{data_set.get('ContentTime', '')}",
        frame_of_reference_uid=str(data_set.get("FrameOfReferenceUID", "")),
        references=frozenset(_references(data_set)),
    )


@dataclass(repr=False)
class _Frames:
    """The frames of a segmentation: where they lie, what they are of, what is drawn on them."""

    data_set: Dataset
    known: Known
    count: int = field(init=False)
    rows: int = field(init=False)
    columns: int = field(init=False)
    kind: str = field(init=False)
    groups: Sequence[Dataset] = field(init=False)
    shared: Dataset = field(init=False)

    def __post_init__(self) -> None:
        one = self.data_set
        self.count, self.rows, self.columns = int(one.get("NumberOfFrames", 1)), int(one.Rows), int(one.Columns)
        self.kind = str(one.get("SegmentationType", ""))
        self.groups = one.get("PerFrameFunctionalGroupsSequence", [])
        self.shared = (one.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
        if not (0 < self.count <= MOST_FRAMES and 0 < self.rows * self.columns <= _LARGEST_FRAME):
            raise InvalidInputError(
                "Segmentation", f"one to {MOST_FRAMES} frames of at most 16 million pixels are read"
            )
        if self.kind not in ("BINARY", "FRACTIONAL", "LABELMAP"):
            raise InvalidInputError("SegmentationType", "is none of BINARY, FRACTIONAL, LABELMAP")
        if len(self.groups) != self.count:
            raise InvalidInputError("PerFrameFunctionalGroupsSequence", "does not describe every frame once")

    @property
    def fraction(self) -> str:
        """Return how fractions become a region, as a clause; empty where there are none."""
        return ", at least half of the maximal fraction" if self.kind == "FRACTIONAL" else ""

    def placed(self, number: int, grid: Grid, *, alone: bool) -> Placed:
        """Return the segment on ``grid``.

        Raises:
            InvalidInputError: If its frames lie nowhere, or cannot be read.
        """
        with as_found():
            chosen = [index for index in range(self.count) if self._is_of(index, number, alone=alone)]
            planes = [self._plane(index, number) for index in chosen]
            return place_planes(planes, grid, self._thickness())

    def _is_of(self, index: int, number: int, *, alone: bool) -> bool:
        if self.kind == "LABELMAP":
            return True
        identified = self._group(index, "SegmentIdentificationSequence")
        return alone if identified is None else int(identified.ReferencedSegmentNumber) == number

    def _plane(self, index: int, number: int) -> Plane:
        return Plane(self._matrix(index), self.rows, self.columns, partial(self.bits, index, number))

    def _matrix(self, index: int) -> NDArray[np.float64]:
        position, orientation = (
            self._group(index, "PlanePositionSequence"),
            self._group(index, "PlaneOrientationSequence"),
        )
        measures = self._group(index, "PixelMeasuresSequence")
        if position is None or orientation is None or measures is None:
            return self._matrix_of_its_image(index)
        return plane_matrix(position.ImagePositionPatient, orientation.ImageOrientationPatient, measures.PixelSpacing)

    def _matrix_of_its_image(self, index: int) -> NDArray[np.float64]:
        """Return the plane of the image a frame was drawn on (a segmentation without a frame of reference)."""
        for derivation in self.groups[index].get("DerivationImageSequence", []):
            for source in derivation.get("SourceImageSequence", []):
                frame = Frame(str(source.ReferencedSOPInstanceUID), int(source.get("ReferencedFrameNumber", 1) or 1))
                header = self.known.get(frame)
                if header and header.position and header.orientation and header.pixel_spacing:
                    if (header.rows, header.columns) != (self.rows, self.columns):
                        raise InvalidInputError("frame", "has other dimensions than the image it was drawn on")
                    return plane_matrix(header.position, header.orientation, header.pixel_spacing)
        raise InvalidInputError("frame", "states neither its place nor an image of this study that it was drawn on")

    def _thickness(self) -> float | None:
        measures = self._group(0, "PixelMeasuresSequence")
        stated = measures and (measures.get("SpacingBetweenSlices") or measures.get("SliceThickness"))
        return float(stated) if stated else None

    def _group(self, index: int, name: str) -> Dataset | None:
        """Return a functional group of a frame, its own or the shared one (PS3.3 C.7.6.16)."""
        for there in (self.groups[index], self.shared):
            items = there.get(name)
            if items:
                return items[0]  # type: ignore[no-any-return]
        return None

    def bits(self, index: int, number: int) -> Bits:
        """Return what is drawn on a frame, (rows, columns)."""
        with as_found():
            values = self._values(index).reshape(self.rows, self.columns)
            drawn: Bits = values > 0
            if self.kind == "LABELMAP":
                drawn = values == number
            if self.kind == "FRACTIONAL":
                drawn = 2 * values.astype(np.int64) >= int(self.data_set.MaximumFractionalValue)
            return drawn

    def _values(self, index: int) -> NDArray[np.integer[Any]]:
        syntax = UID(self.data_set.file_meta.TransferSyntaxUID)
        if syntax not in UNCOMPRESSED:
            decoded: NDArray[np.integer[Any]] = get_decoder(syntax).as_array(self.data_set, index=index, raw=True)[0]
            return decoded
        return _native(self.data_set.PixelData, index, self.rows * self.columns, int(self.data_set.BitsAllocated))


def _native(pixels: bytes, index: int, size: int, allocated: int) -> NDArray[np.integer[Any]]:
    """Return the values of one frame of native pixel data."""
    if allocated == 1:  # PS3.5 8.2: bits follow each other across bytes and frames, the lowest of a byte first
        first, last = index * size, (index + 1) * size
        packed = np.frombuffer(pixels, dtype=np.uint8)[first // 8 : -(-last // 8)]
        return np.unpackbits(packed, bitorder="little")[first % 8 : first % 8 + size]
    if allocated == 8:
        return np.frombuffer(pixels, np.uint8, size, index * size)
    if allocated == 16:
        return np.frombuffer(pixels, np.dtype("<u2"), size, 2 * index * size)
    raise InvalidInputError("BitsAllocated", "is none of 1, 8, 16")


def _references(data_set: Dataset) -> set[str]:
    found = {str(one.ReferencedSOPInstanceUID) for one in data_set.get("SourceImageSequence", [])}
    for series in data_set.get("ReferencedSeriesSequence", []):
        found |= {str(one.ReferencedSOPInstanceUID) for one in series.get("ReferencedInstanceSequence", [])}
    for group in data_set.get("PerFrameFunctionalGroupsSequence", []):
        for derivation in group.get("DerivationImageSequence", []):
            found |= {str(one.ReferencedSOPInstanceUID) for one in derivation.get("SourceImageSequence", [])}
    return found


def _side(data_set: Dataset, segment: Dataset) -> Side | None:
    for region in segment.get("AnatomicRegionSequence", []):
        for modifier in region.get("AnatomicRegionModifierSequence", []):
            side = SIDES.get((str(modifier.get("CodingSchemeDesignator", "")), str(modifier.get("CodeValue", ""))))
            if side:
                return side
    return {"L": Side.LEFT, "R": Side.RIGHT}.get(str(data_set.get("Laterality", "")))


def _code(segment: Dataset, name: str) -> tuple[str, str]:
    return _text(segment, name, "CodingSchemeDesignator"), _text(segment, name, "CodeValue")


def _text(segment: Dataset, name: str, keyword: str) -> str:
    items = segment.get(name) or [Dataset()]
    return str(items[0].get(keyword, ""))
