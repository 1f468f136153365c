"""What was measured in images, for an SR (PS3.16 TID 300, TID 1411): numbers with unit and method, and the segment."""

from __future__ import annotations

import re
from collections.abc import Iterator

from highdicom import sr
from pydicom.dataset import Dataset

from services.results.deliver.formats.coded import concept
from shared.codes import dcm, local, snomed, ucum
from shared.codes.terminology import DICOM_DESIGNATORS
from shared.domain.coding import Coding
from shared.domain.images import Measured
from shared.domain.prediction import Prediction

UNITS = {
    ucum.NO_UNIT: dcm.NO_UNITS,
    ucum.CUBIC_MILLIMETRE: Coding(ucum.SYSTEM, ucum.CUBIC_MILLIMETRE, "cubic millimeter"),
    ucum.MILLIMETRE: Coding(ucum.SYSTEM, ucum.MILLIMETRE, "millimeter"),
    ucum.PERCENT: Coding(ucum.SYSTEM, ucum.PERCENT, "percent"),
    ucum.MILLILITRE: Coding(ucum.SYSTEM, ucum.MILLILITRE, "milliliter"),
}
"""UCUM code -> the unit with the name PS3.16 CID 7462 gives it; others are named by their code."""
STANDARD = {"volume": snomed.VOLUME}
"""Measured number -> its standard name, where the measurement itself brings none."""
_ENGINE = re.compile(r"(?P<name>\S+) (?P<version>\d[\w.+-]*)(?:[,;:]\s*(?P<rest>.*))?")


def measurements(answer: Prediction) -> Iterator[sr.Measurement]:
    """Return every number measured in the images."""
    return (measurement(name_of(row), row.value, _unit(row.unit), _method(row)) for row in answer.measured)


def measurement(
    name: Coding, value: float, unit: Coding, method: sr.AlgorithmIdentification | None = None
) -> sr.Measurement:
    """Return one number: Numeric Value in 16 characters, Floating Point Value to the last bit (PS3.3 C.18.1)."""
    made = sr.Measurement(name=concept(name), value=value, unit=concept(unit), algorithm_id=method)
    stated = made[0].MeasuredValueSequence[0]
    # What is compared on read-back is what was written, not the digits that did not fit.
    stated.NumericValue = str(stated.NumericValue)
    return made


def name_of(row: Measured) -> Coding:
    """Return the code of a measured number: its own where DICOM knows the scheme, a standard one, else ours."""
    if row.coding and row.coding.system in DICOM_DESIGNATORS:
        return row.coding
    return STANDARD.get(row.name) or local.measured(row.name, row.display)


def referenced_segment(segmentation: Dataset) -> sr.ReferencedSegment:
    """Return the reference to the one segment, with the images its frames were derived from."""
    rows = segmentation.SourceImageSequence
    images = [
        sr.SourceImageForSegmentation(
            str(row.ReferencedSOPClassUID), str(row.ReferencedSOPInstanceUID), _frames(row)
        )
        for row in rows
    ]  # fmt: skip
    return sr.ReferencedSegment(
        str(segmentation.SOPClassUID), str(segmentation.SOPInstanceUID), 1, source_images=images
    )


def _frames(row: Dataset) -> list[int] | None:
    stated = row.get("ReferencedFrameNumber")
    if stated is None:
        return None
    return [int(number) for number in stated] if hasattr(stated, "__iter__") else [int(stated)]


def _unit(unit: str) -> Coding:
    return UNITS.get(unit) or Coding(ucum.SYSTEM, unit, unit)


def _method(row: Measured) -> sr.AlgorithmIdentification | None:
    """Return TID 4019: engine, version and settings, as the measurement states them."""
    if not row.method:
        return None
    said = _ENGINE.fullmatch(row.method)
    if said is None:
        return sr.AlgorithmIdentification(row.method, "not stated", [f"name = {row.name}"])
    settings = [f"settings = {said['rest']}"] if said["rest"] else []
    return sr.AlgorithmIdentification(said["name"], said["version"], [f"name = {row.name}", *settings])
