"""Words on a raster: a fixed bitmap face, so that the same words are the same pixels on every machine."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
Canvas = NDArray[np.uint8]
"""(rows, columns, 3)."""
WHITE: Colour = (255, 255, 255)
GREY: Colour = (170, 170, 170)
BLACK: Colour = (0, 0, 0)
HEIGHT = 11
"""Of a line in its own size, in pixels."""


def write(
    canvas: Canvas, x: int, y: int, text: str, colour: Colour = WHITE, *, size: int = 1, anchor: str = "left"
) -> None:
    """Write ``text`` with its corner at (x, y); what does not fit is cut off. ``anchor``: left, middle or right."""
    shape = _raster(text, size)
    x -= {"left": 0, "middle": shape.shape[1] // 2, "right": shape.shape[1]}[anchor]
    part = canvas[max(y, 0) : y + shape.shape[0], max(x, 0) : x + shape.shape[1]]
    seen = shape[max(-y, 0) :, max(-x, 0) :][: part.shape[0], : part.shape[1]]
    part[seen] = colour


def on_image(canvas: Canvas, x: int, y: int, text: str, *, size: int = 1, anchor: str = "left") -> None:
    """Write ``text`` in white with a black rim: it can be read on fat and on air."""
    for down, across in product((-2, -1, 0, 1, 2), repeat=2):
        write(canvas, x + across, y + down, text, BLACK, size=size, anchor=anchor)
    write(canvas, x, y, text, WHITE, size=size, anchor=anchor)


def width(text: str, size: int = 1) -> int:
    """Return how wide a text is, in pixels."""
    return int(_raster(text, size).shape[1])


@cache
def _raster(text: str, size: int) -> NDArray[np.bool_]:
    shown = text.encode("ascii", "replace").decode("ascii")
    font = ImageFont.load_default_imagefont()
    left, top, right, bottom = font.getbbox(shown)
    image = Image.new("L", (max(int(right - left), 1), max(int(bottom - top), HEIGHT)))
    ImageDraw.Draw(image).text((0, 0), shown, fill=255, font=font)
    return np.kron(np.asarray(image) > 127, np.ones((size, size), bool))
