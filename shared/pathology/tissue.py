"""Where the tissue is, on an overview of about 8 micrometres per pixel: optical density against the glass, cleaned.

A pixel is a seed where it is darker than the glass *and* its surroundings vary, as tissue always does and tinted glass
never; what is connected with a seed and at all darker than the glass follows. So pale tissue stays, and small tissue,
and glass of another tint (a scanner's seams, the coverslip's edge) does not become tissue. Ink is taken out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_closing, binary_erosion, binary_propagation, gaussian_filter, median

from shared.pathology.components import at_least, labelled
from shared.pathology.glass import density_over_glass, glass_colour, local_deviation
from shared.pathology.grid import CropGrid
from shared.pathology.quality.pen import pen_mask

OVERVIEW_UM = 8.0
"""Micrometres per pixel the thresholds are made for."""
_DARKER, _AT_ALL = 0.06, 0.04
"""Mean optical density against the glass."""
_VARIES = 0.012
"""Standard deviation of the density in 5 x 5 pixels; glass of the slides tried has .001."""
_EVEN_INSIDE, _EVEN_AT_MOST = 0.01, 0.4
"""A region whose inside varies less and is paler than that is tinted glass."""
_LEAST_MM2 = 0.005
"""70 micrometres square: less is dust."""
_LARGEST_HOLE_MM2 = 0.02


def tissue_mask(rgb: NDArray[np.uint8], um: float) -> NDArray[np.bool_]:
    """Return (h, w): True where there is tissue.

    Args:
        rgb: (h, w, 3), the overview, sRGB.
        um: Micrometres per pixel of it; thresholds are made for ``OVERVIEW_UM``.
    """
    density = density_over_glass(rgb, glass_colour(rgb))
    return tissue_of(density, pen_mask(density, um), um)


def tissue_of(density: NDArray[np.float32], ink: NDArray[np.bool_], um: float) -> NDArray[np.bool_]:
    """Return (h, w): True where there is tissue.

    Args:
        density: (h, w, 3), of ``density_over_glass``.
        ink: (h, w), of ``pen_mask``.
        um: Micrometres per pixel.
    """
    mean = density.mean(axis=2)
    smooth = gaussian_filter(mean, 1.0)
    varies = local_deviation(mean, 5)
    seeds = (smooth >= _DARKER) & (varies >= _VARIES) & ~ink
    grown = binary_propagation(seeds, mask=(smooth >= _AT_ALL) & ~ink, structure=np.ones((3, 3), bool))
    solid = _filled(binary_closing(np.pad(grown, 2), np.ones((3, 3), bool))[2:-2, 2:-2], um) & ~ink
    return at_least(_without_tint(solid, smooth, varies), _LEAST_MM2, um)


def _filled(mask: NDArray[np.bool_], um: float) -> NDArray[np.bool_]:
    holes = ~mask
    return ~at_least(holes, _LARGEST_HOLE_MM2, um)


def _without_tint(mask: NDArray[np.bool_], mean: NDArray[np.float32], varies: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the mask without regions that are even inside: glass of another tint, whose edge alone varies."""
    numbers, count = labelled(mask)
    inside = np.where(binary_erosion(mask, np.ones((3, 3), bool), iterations=3), numbers, 0)
    every = np.arange(count + 1)
    with_inside = np.isin(every, np.unique(inside))
    even = np.zeros(count + 1, dtype=bool)
    which = every[with_inside & (every > 0)]
    if len(which):
        even[which] = (median(varies, inside, which) < _EVEN_INSIDE) & (median(mean, inside, which) < _EVEN_AT_MOST)
    tissue: NDArray[np.bool_] = mask & ~even[numbers]
    return tissue


def tissue_shares(
    tissue: NDArray[np.bool_], um: float, grid: CropGrid, microns_per_pixel: float
) -> NDArray[np.float32]:
    """Return (len(grid),): share of each patch that is tissue, in [0, 1].

    Args:
        tissue: The mask over the whole slide (any mask: of pen or fold too).
        um: Micrometres per pixel of it.
        grid: Over level 0.
        microns_per_pixel: Of level 0.
    """
    side = grid.side_px * microns_per_pixel / um
    along = _summed(tissue.astype(np.float64), grid.rows, side)
    areas = _summed(along.T, grid.columns, side).T
    return np.clip(areas / side**2, 0, 1).astype(np.float32).reshape(-1)


def _summed(values: NDArray[np.float64], count: int, side: float) -> NDArray[np.float64]:
    """Return the sums of the rows between fractional edges; beyond the last row there is nothing."""
    running = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    edges = np.minimum(np.arange(count + 1) * side, len(values))
    whole = np.minimum(edges.astype(np.intp), len(values) - 1)
    at: NDArray[np.float64] = running[whole] + (edges - whole)[:, None] * values[whole]
    return np.diff(at, axis=0)
