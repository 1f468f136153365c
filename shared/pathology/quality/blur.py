"""Out of focus: a patch whose grey values vary, but not from one pixel to the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.pathology.background import grey
from shared.pathology.patches import resized

LEAST_SHARPNESS = 0.08
"""Real slides in focus give .11 to 6 at .6 to 2.3 micrometres per pixel; blurred by two such pixels, at most .08."""


def sharpness(rgb: NDArray[np.uint8]) -> float:
    """Return the variance of the Laplacian over the variance of the grey values of a patch (h, w, 3).

    Free of brightness and contrast; 0 where nothing varies.
    """
    values = grey(rgb)
    inner = values[1:-1, 1:-1]
    laplacian = 4 * inner - values[:-2, 1:-1] - values[2:, 1:-1] - values[1:-1, :-2] - values[1:-1, 2:]
    whole = float(inner.var(dtype=np.float64))
    return float(laplacian.var(dtype=np.float64)) / whole if whole > 0 else 0.0


def is_blurred(rgb: NDArray[np.uint8], input_px: int) -> bool:
    """Return whether a patch that is no background is blurred by about two pixels of the network's input or more.

    Args:
        rgb: (h, w, 3), as read; a patch that would have to be enlarged is judged as it is.
        input_px: Side of the network's input.
    """
    return sharpness(resized(rgb, input_px) if min(rgb.shape[:2]) > input_px else rgb) < LEAST_SHARPNESS
