"""The overview of a slide as PNG."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LONGEST_PX = 3000
"""Of one side: 24 mm at 8 micrometres; what is larger is shrunk."""


def overview_png(rgb: NDArray[np.uint8]) -> bytes:
    """Return the picture of (h, w, 3), sRGB; without any text in it or about it."""
    picture = Image.fromarray(rgb)
    shrink = LONGEST_PX / max(picture.size)
    if shrink < 1:
        size = (max(1, round(picture.width * shrink)), max(1, round(picture.height * shrink)))
        picture = picture.resize(size, Image.Resampling.BOX)
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=3)
    return stream.getvalue()
