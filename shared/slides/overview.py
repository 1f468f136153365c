"""The whole slide, small: read strip by strip, so that its memory does not grow with the slide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.slides.patches import best_level
from shared.slides.port import SlideReader

MOST_OVERVIEW_PX = 24_000_000
"""Of an overview: 4,900 on a side, 39 mm at 8 micrometres."""
_PIECE_PX = 1024
"""Of the level that is read."""


@dataclass(frozen=True, slots=True)
class OverviewSize:
    """How large an overview becomes, and how much of level 0 one of its pixels shows."""

    width: int
    height: int
    shrink: float


def overview_size(width: int, height: int, shrink: float) -> OverviewSize:
    """Return the size for so many pixels of level 0 in one; coarser where it would be too large."""
    shrink = max(1.0, shrink, (width * height / MOST_OVERVIEW_PX) ** 0.5)
    return OverviewSize(max(1, int(width / shrink)), max(1, int(height / shrink)), shrink)


def draw_overview(reader: SlideReader, size: OverviewSize, out: NDArray[np.uint8]) -> None:
    """Fill ``out`` (height, width, 3) with area averages.

    Raises:
        InvalidInputError: If the slide cannot be read.
    """
    levels = reader.description.levels
    level = best_level(levels, size.shrink)
    factor = size.shrink / levels[level].downsample
    step = max(1, int(_PIECE_PX / factor))
    for top in range(0, size.height, step):
        for left in range(0, size.width, step):
            rows, columns = min(step, size.height - top), min(step, size.width - left)
            piece = _piece(reader, level, (left * size.shrink, top * size.shrink), (columns, rows), factor)
            out[top : top + rows, left : left + columns] = piece


def _piece(
    reader: SlideReader, level: int, corner: tuple[float, float], size: tuple[int, int], factor: float
) -> NDArray[np.uint8]:
    wide, high = (max(1, round(one * factor)) for one in size)
    return np.asarray(reader.region(round(corner[0]), round(corner[1]), level, wide, high, size))
