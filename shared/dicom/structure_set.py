"""The structures of an RT Structure Set (PS3.3 A.19): closed contours in the patient's system."""

from __future__ import annotations

from functools import partial

import numpy as np
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from shared.dicom.drawing import Drawing, meaning_of
from shared.dicom.region_object import as_found
from shared.domain.errors import InvalidInputError
from shared.domain.images import DRAWN, RegionOrigin
from shared.imaging.contours import Contour, fill_contours
from shared.imaging.placing import Placed
from shared.imaging.volume import Grid

MOST_STRUCTURES = 512
MOST_CONTOURS = 20_000
MOST_POINTS = 2_000_000
_CONTOUR_DATA = 0x30060050
_CLOSED = ("CLOSED_PLANAR", "CLOSED_PLANAR_XOR")
"""Contour Geometric Type (3006,0042) of what encloses anything (PS3.3 C.8.8.6.3)."""
_TUMOUR = "GTV"


def drawings_in_structure_set(data_set: Dataset) -> tuple[Drawing, ...]:
    """Return its structures that have closed contours.

    Raises:
        InvalidInputError: If it cannot be one, or holds more than is read.
    """
    with as_found():
        drawn = {int(one.ReferencedROINumber): one for one in data_set.get("ROIContourSequence", [])}
        types = {
            int(one.ReferencedROINumber): str(one.get("RTROIInterpretedType", ""))
            for one in data_set.get("RTROIObservationsSequence", [])
        }
        structures = list(data_set.StructureSetROISequence)
        contours = sum(len(one.get("ContourSequence", [])) for one in drawn.values())
        if len(structures) > MOST_STRUCTURES or contours > MOST_CONTOURS:
            raise InvalidInputError("RTSTRUCT", f"more than {MOST_STRUCTURES} structures or {MOST_CONTOURS} contours")
        found = [
            _drawing(data_set, one, drawn[int(one.ROINumber)], types.get(int(one.ROINumber), ""))
            for one in structures
            if int(one.ROINumber) in drawn
        ]
        return tuple(found)


def _drawing(data_set: Dataset, structure: Dataset, drawn: Dataset, kind: str) -> Drawing:
    name = str(structure.get("ROIName", ""))
    how = DRAWN.get(str(structure.get("ROIGenerationAlgorithm", "")), "drawn in a way its object does not state")
    return Drawing(
        origin=RegionOrigin.RTSTRUCT,
        meaning=meaning_of(name, abnormal=kind == _TUMOUR, organ=kind not in ("", _TUMOUR)),
        place=partial(_placed, drawn),
        name=f"{kind} {name}".upper(),
        how=f"DICOM RT structure, {how}",
        author="a person" if how == DRAWN["MANUAL"] else "",
        source_instance_uid=str(data_set.SOPInstanceUID),
        number=int(structure.ROINumber),
        moment=f"{data_set.get('StructureSetDate', '')}{data_set.get('StructureSetTime', '')}",
        frame_of_reference_uid=str(
            structure.get("ReferencedFrameOfReferenceUID", "") or data_set.get("FrameOfReferenceUID", "")
        ),
        references=frozenset(
            str(image.ReferencedSOPInstanceUID)
            for contour in drawn.get("ContourSequence", [])
            for image in contour.get("ContourImageSequence", [])
        ),
    )


def _placed(drawn: Dataset, grid: Grid) -> Placed:
    with as_found():
        contours, points = [], 0
        for one in drawn.get("ContourSequence", []):
            if str(one.get("ContourGeometricType", "")) in _CLOSED:
                contours.append(_corners(one, MOST_POINTS - points))
                points += len(contours[-1])
        return fill_contours(contours, grid)


def _corners(contour: Dataset, most: int) -> Contour:
    """Return (n, 3); the text is read at once, because millions of decimal strings are slow as objects."""
    held = contour.get_item(_CONTOUR_DATA)
    if isinstance(held, RawDataElement) and held.value is not None:
        parts = held.value.count(b"\\") + 1
        _refuse_many(parts, most)
        values = np.array(held.value.rstrip(b" \0").split(b"\\"), dtype=np.float64)
    else:
        _refuse_many(len(contour.ContourData), most)
        values = np.array(contour.ContourData, dtype=np.float64)
    if values.size % 3 or not np.isfinite(values).all() or np.abs(values).max(initial=0) > 1e5:
        raise InvalidInputError("ContourData", "is not a list of places")
    return values.reshape(-1, 3)


def _refuse_many(numbers: int, most: int) -> None:
    if numbers > 3 * most:
        raise InvalidInputError("ContourData", f"more than {MOST_POINTS} points")
