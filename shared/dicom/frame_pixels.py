"""The values of one frame, for a jail: decoders are native code, and the bytes are foreign."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array

from shared.domain.errors import InvalidInputError
from shared.storage.ranges import place_of

FRAME_PIXELS = "shared.dicom.frame_pixels:frame_pixels"
"""Name of ``frame_pixels`` for a jail."""
_LARGEST_PIXELS = 1 << 23


def frame_pixels(uri: str, number: int) -> dict[str, Any]:
    """Return rows, columns and the values (base64 of little-endian float32) of frame ``number``, counted from 1.

    Values are rescaled (PS3.3 C.11.1.1), by the frame's own transformation where the object has one per frame.

    Raises:
        InvalidInputError: If there is no such frame, or it is no single-channel image of a usual size.
    """
    with place_of(uri).open() as stream:
        image = pydicom.dcmread(stream)
        if image.Rows * image.Columns > _LARGEST_PIXELS or image.get("SamplesPerPixel", 1) != 1:
            raise InvalidInputError("frame", "is no single-channel image of a usual size")
        if not 1 <= number <= int(image.get("NumberOfFrames", 1) or 1):
            raise InvalidInputError("frame", "is not in the object")
        values = pixel_array(image, index=number - 1)
    slope, intercept = _rescale(image, number)
    scaled = np.ascontiguousarray(values * slope + intercept, dtype="<f4")
    rows, columns = scaled.shape
    return {"rows": rows, "columns": columns, "values": base64.b64encode(scaled.tobytes()).decode("ascii")}


def _rescale(image: Dataset, number: int) -> tuple[float, float]:
    groups: list[Dataset] = [image]
    if "PerFrameFunctionalGroupsSequence" in image:
        groups = [image.PerFrameFunctionalGroupsSequence[number - 1], image.SharedFunctionalGroupsSequence[0]]
    for group in groups:
        rows = group.get("PixelValueTransformationSequence") or [group]
        if "RescaleSlope" in rows[0]:
            return float(rows[0].RescaleSlope), float(rows[0].get("RescaleIntercept", 0.0))
    return 1.0, 0.0
