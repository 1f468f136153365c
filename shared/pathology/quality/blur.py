"""Out of focus: a patch whose grey values vary, but not from one pixel to the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.pathology.background import grey

LEAST_SHARPNESS = 0.02


def sharpness(rgb: NDArray[np.uint8]) -> float:
    """Return the variance of the Laplacian over the variance of the grey values of a patch (h, w, 3).

    Free of brightness and contrast; 0 where nothing varies.
    """
    values = grey(rgb)
    inner = values[1:-1, 1:-1]
    laplacian = 4 * inner - values[:-2, 1:-1] - values[2:, 1:-1] - values[1:-1, :-2] - values[1:-1, 2:]
    whole = float(inner.var(dtype=np.float64))
    return float(laplacian.var(dtype=np.float64)) / whole if whole > 0 else 0.0


def is_blurred(rgb: NDArray[np.uint8]) -> bool:
    """Return whether a patch, at the network's scale and no background, is out of focus."""
    return sharpness(rgb) < LEAST_SHARPNESS
