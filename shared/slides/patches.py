"""One patch of a grid at the network's scale: read at the best level and resized.

Serving (in the jail) and training read patches by this, so that both see the same pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.domain.slides import PyramidLevel
from shared.slides.port import SlideReader

_ALMOST = 0.98
"""A level a hair too coarse is good enough: pyramids are seldom exact."""


@dataclass(frozen=True, slots=True, eq=False)
class PatchReading:
    """Reads patches of one size."""

    reader: SlideReader
    side_px: int
    """Of level 0."""
    input_px: int
    """Side of what is returned."""

    def rgb(self, x: int, y: int) -> NDArray[np.uint8]:
        """Return (input_px, input_px, 3) of the patch whose upper left corner in level 0 is (x, y).

        Raises:
            InvalidInputError: If it cannot be read.
        """
        level = best_level(self.reader.description.levels, self.side_px / self.input_px)
        side = max(1, round(self.side_px / self.reader.description.levels[level].downsample))
        return np.asarray(self.reader.region(x, y, level, side, side, (self.input_px, self.input_px)))


def best_level(levels: tuple[PyramidLevel, ...], downsample: float) -> int:
    """Return the coarsest level that still is as fine as ``downsample``; level 0 where none is."""
    fine = [place for place, one in enumerate(levels) if one.downsample * _ALMOST <= downsample]
    return max(fine, key=lambda place: levels[place].downsample, default=0)
