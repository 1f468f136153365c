"""The values of one stored frame, for a jail: decoders are native code, and the bytes are foreign."""

from __future__ import annotations

import base64
from pathlib import Path

from shared.dicom.stored_object import StoredObject
from shared.dicom.volumes import read_slices
from shared.domain.errors import InvalidInputError
from shared.imaging.dynamic import FrameHeader
from shared.imaging.volume import Frame

FRAME_PIXELS = "shared.dicom.frame_pixels:frame_pixels"
"""Name of ``frame_pixels`` for a jail."""
LARGEST_PIXELS = 1 << 23


def frame_pixels(path: str, offset: int, length: int | None, number: int, rows: int, columns: int) -> str:
    """Return the rescaled values (rows, columns) of frame ``number``, from 1: base64 of little-endian float32.

    Raises:
        InvalidInputError: If there is no such frame, it has another size, or it cannot be decoded.
    """
    if rows * columns > LARGEST_PIXELS:
        raise InvalidInputError("frame", "is larger than any that is drawn")
    frame = FrameHeader(Frame("", number), "", None, "", "", "", rows, columns, None, None, None)
    (values,) = read_slices([frame], {"": StoredObject(Path(path), offset, length)})
    return base64.b64encode(values.astype("<f4").tobytes()).decode("ascii")
