"""Levels and JPEG tiles of a pyramid: what the TIFF and the DICOM writer share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from shared.phantoms.slides.optics import Pixels

TILE = 256
STEP = 4
"""Each level is so many times narrower than the one before."""
QUALITY = 82


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One level as encoded tiles, row by row; those at the right and lower edge overhang."""

    width: int
    height: int
    tiles: tuple[bytes, ...]


def across(pixels: int) -> int:
    """Return how many tiles cover so many pixels."""
    return -(-pixels // TILE)


def pyramid(pixels: Pixels, least: int = TILE) -> Iterator[Level]:
    """Yield the levels of a slide, widest first, until one is no wider and no higher than ``least``."""
    while True:
        yield encoded_level(pixels)
        if max(pixels.shape[:2]) <= least:
            return
        pixels = reduced(pixels, STEP)


def encoded_level(pixels: Pixels) -> Level:
    """Return an image as JPEG tiles; what overhangs repeats the edge."""
    height, width = pixels.shape[:2]
    down, right = across(height) * TILE - height, across(width) * TILE - width
    wide = np.pad(pixels, ((0, down), (0, right), (0, 0)), mode="edge")
    rows, columns = range(0, wide.shape[0], TILE), range(0, wide.shape[1], TILE)
    tiles = (encoded(wide[row : row + TILE, column : column + TILE]) for row in rows for column in columns)
    return Level(width, height, tuple(tiles))


def encoded(tile: Pixels) -> bytes:
    """Return a tile as a whole JPEG stream, baseline, YCbCr, 4:2:2."""
    stream = BytesIO()
    Image.fromarray(tile).save(stream, "JPEG", quality=QUALITY, subsampling="4:2:2")
    return stream.getvalue()


def reduced(pixels: Pixels, times: int) -> Pixels:
    """Return the image ``times`` narrower; each pixel the mean of a square."""
    height, width = (max(1, side // times) for side in pixels.shape[:2])
    box = (0, 0, width * times, height * times)
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BOX, box=box), dtype=np.uint8)
