"""Tissue that lies double: the slide's usual colour, about twice as dense, in a narrow band."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, binary_propagation, gaussian_filter

from shared.pathology.components import at_least

_TIMES_DENSER = 1.7
"""Of the tissue's median optical density; two layers have 2, less where one is thin."""
_LEAST_DENSITY = 0.5
_SAME_COLOUR = 0.06
"""Largest difference of a channel's share from the tissue's median; crowded nuclei are bluer than that."""
_WIDEST_UM = 500.0
_LEAST_MM2 = 0.01
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
    total = smooth.sum(axis=2)
    share = smooth / np.maximum(total, 1e-6)[:, :, None]
    usual = np.median(share[tissue], axis=0)
    dense = total >= max(3 * _LEAST_DENSITY, _TIMES_DENSER * float(np.median(total[tissue])))
    found = at_least(tissue & dense & (np.abs(share - usual).max(axis=2) <= _SAME_COLOUR), _LEAST_MM2, um)
    return found & ~_broad(found, um)


def _broad(found: NDArray[np.bool_], um: float) -> NDArray[np.bool_]:
    """Return the regions too broad for a fold: a whole area that is merely dense."""
    core = binary_erosion(found, np.ones((3, 3), bool), iterations=max(1, round(_WIDEST_UM / 2 / um)))
    broad: NDArray[np.bool_] = binary_propagation(core, mask=found)
    return broad
