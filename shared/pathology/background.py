"""Which patches are glass: those whose grey values vary too little (paper 003: variance below 500).

The paper states neither channel nor type. Here: variance of the grey value (ITU-R BT.601 weights, 0 to 255) over the
patch at the network's scale, so that the rule means the same whatever the scanner's resolution is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""ITU-R BT.601."""


def grey(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the grey values, 0 to 255; (..., 3) in, (...) out."""
    return rgb @ _GREY


def is_background(rgb: NDArray[np.uint8], least_variance: float) -> bool:
    """Return whether the patch (h, w, 3) varies less than ``PatchContract.background_variance``."""
    return float(grey(rgb).var(dtype=np.float64)) < least_variance
