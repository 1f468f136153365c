"""Tissue that lies double: every colour about twice as dense as usual on this slide, in a narrow band.

Crowded nuclei are dense too, but by haematoxylin alone, which takes little blue: there the share of blue falls below
the slide's usual one; in a fold, where both stains double, it does not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, binary_propagation, gaussian_filter

from shared.pathology.components import at_least

_TIMES_DENSER = 1.6
"""In each channel, of the tissue's median; two layers have 2, less where one is thin."""
_LEAST_DENSITY = 0.5
"""Mean over the channels."""
_SHARE_OF_BLUE = 0.98
"""Of the usual one; folds of a real slide have 1.03, crowded nuclei of another .91."""
_WIDEST_UM = 500.0
_LEAST_MM2 = 0.003
_SMOOTH_UM = 8.0


def fold_mask(density: NDArray[np.float32], tissue: NDArray[np.bool_], um: float) -> NDArray[np.bool_]:
    """Return (h, w): True where the tissue seems folded.

    Args:
        density: (h, w, 3), of ``density_over_glass``.
        tissue: (h, w).
        um: Micrometres per pixel.
    """
    if not tissue.any():
        return np.zeros_like(tissue)
    smooth = gaussian_filter(density, (_SMOOTH_UM / um, _SMOOTH_UM / um, 0))
    usual = np.median(smooth[tissue], axis=0)
    total = smooth.sum(axis=2)
    dense = (smooth >= _TIMES_DENSER * usual).all(axis=2) & (total >= 3 * _LEAST_DENSITY)
    both_stains = smooth[:, :, 2] * usual.sum() >= _SHARE_OF_BLUE * usual[2] * total
    found = at_least(tissue & dense & both_stains, _LEAST_MM2, um)
    return found & ~_broad(found, um)


def _broad(found: NDArray[np.bool_], um: float) -> NDArray[np.bool_]:
    """Return the regions too broad for a fold: a whole area that is merely dense."""
    core = binary_erosion(found, np.ones((3, 3), bool), iterations=max(1, round(_WIDEST_UM / 2 / um)))
    broad: NDArray[np.bool_] = binary_propagation(core, mask=found)
    return broad
