"""How a slide is cut into patches: the paper's adaptive side (Eq. 1) or a fixed number of micrometres."""

from __future__ import annotations

import math
from dataclasses import dataclass

from shared.domain.slides import Cropping

PAPER_SIDE = 512
PAPER_PIXELS = 1e9


@dataclass(frozen=True, slots=True)
class CropGrid:
    """Square patches side by side from the upper left corner of level 0; what overhangs right and below is left out."""

    cropping: Cropping
    side_px: int
    """Of level 0."""
    side_um: float
    columns: int
    rows: int

    def __len__(self) -> int:
        return self.columns * self.rows

    def corner(self, index: int) -> tuple[int, int]:
        """Return x and y of the upper left corner of a patch, in pixels of level 0; row by row."""
        return (index % self.columns) * self.side_px, (index // self.columns) * self.side_px


def paper_side(width: int, height: int) -> int:
    """Return the side of a patch in pixels of level 0: 512 * sqrt(height * width / 1e9) (paper 003, Eq. 1), rounded."""
    return max(1, round(PAPER_SIDE * math.sqrt(height * width / PAPER_PIXELS)))


def crop_grid(cropping: Cropping, width: int, height: int, microns_per_pixel: float, side_um: float) -> CropGrid:
    """Return the grid over a slide of so many pixels.

    Args:
        cropping: Which rule.
        width: Of level 0, in pixels.
        height: Of level 0, in pixels.
        microns_per_pixel: Of level 0.
        side_um: The bundle's side; used for ``Cropping.MICROMETRES`` only.
    """
    side = paper_side(width, height) if cropping is Cropping.PAPER else max(1, round(side_um / microns_per_pixel))
    return CropGrid(cropping, side, side * microns_per_pixel, width // side, height // side)
