"""Ink on the glass: colours that haematoxylin and eosin cannot mix, in strokes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_opening

from shared.pathology.components import at_least

_LEAST_DENSITY = 0.15
_BLUE_GREEN = 0.06
"""Share of red less share of green in the optical density: both stains take more green than red."""
_RED = 0.40
"""Share of blue: on real slides stained tissue, blood included, stays below .36."""
_RED_AT_MOST = 0.15
_BLACK, _BLACK_DENSITY = 0.07, 0.5
"""Largest less smallest share; folds are dark too, and keep their colour."""
_STROKE_UM = 40.0
_LEAST_MM2 = 0.05


def pen_mask(density: NDArray[np.float32], um: float) -> NDArray[np.bool_]:
    """Return (h, w): True on strokes of a pen and their rim.

    Args:
        density: (h, w, 3), of ``density_over_glass``.
        um: Micrometres per pixel.
    """
    total = density.sum(axis=2)
    share = density / np.maximum(total, 1e-6)[:, :, None]
    red, green, blue = share[:, :, 0], share[:, :, 1], share[:, :, 2]
    coloured = (red - green >= _BLUE_GREEN) | ((blue >= _RED) & (red <= _RED_AT_MOST))
    black = (np.ptp(share, axis=2) < _BLACK) & (total >= 3 * _BLACK_DENSITY)
    ink = (total >= 3 * _LEAST_DENSITY) & (coloured | black)
    wide = max(1, round(_STROKE_UM / um))
    strokes = at_least(binary_opening(ink, np.ones((wide, wide), bool)), _LEAST_MM2, um)
    rim: NDArray[np.bool_] = binary_dilation(strokes, np.ones((3, 3), bool), iterations=2)
    return rim
