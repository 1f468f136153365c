"""An overview examined: where tissue, pen and folds are, and which patches they lie on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.pathology.glass import density_over_glass, glass_colour
from shared.pathology.grid import CropGrid
from shared.pathology.quality.flags import FOLD, PEN
from shared.pathology.quality.fold import fold_mask
from shared.pathology.quality.pen import pen_mask
from shared.pathology.tissue import tissue_of, tissue_shares

_LEAST_SHARE = 0.05
"""Of a patch: less of an artefact does not flag it."""


@dataclass(frozen=True, slots=True, eq=False)
class GlassQuality:
    """Masks over the whole slide, (h, w), at ``um`` micrometres per pixel."""

    tissue: NDArray[np.bool_]
    """Without what lies under ink."""
    pen: NDArray[np.bool_]
    fold: NDArray[np.bool_]
    um: float

    def flags(self, grid: CropGrid, microns_per_pixel: float) -> NDArray[np.uint8]:
        """Return (len(grid),): ``PEN`` and ``FOLD`` for each patch of the grid."""
        pen = tissue_shares(self.pen, self.um, grid, microns_per_pixel) >= _LEAST_SHARE
        fold = tissue_shares(self.fold, self.um, grid, microns_per_pixel) >= _LEAST_SHARE
        return (pen * np.uint8(PEN) | fold * np.uint8(FOLD)).astype(np.uint8)


def examined(rgb: NDArray[np.uint8], um: float) -> GlassQuality:
    """Return what the overview (h, w, 3), sRGB, shows; made for about 8 micrometres per pixel."""
    density = density_over_glass(rgb, glass_colour(rgb))
    pen = pen_mask(density, um)
    tissue = tissue_of(density, pen, um)
    return GlassQuality(tissue, pen, fold_mask(density, tissue, um), um)
