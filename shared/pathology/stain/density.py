"""Optical density of 8-bit pixels (Beer-Lambert): natural logarithm, white is 255 (Vahadane 2016, Eq. 1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_OF_VALUE = -np.log(np.maximum(np.arange(256), 1) / 255.0)
"""Optical density of each value; black counts as 1, for it has no logarithm."""
_OF_VALUE32 = _OF_VALUE.astype(np.float32)


def density(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the optical density, in [0, 5.55], of the same shape."""
    return _OF_VALUE[rgb]


def density32(values: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return it in single precision, for whole patches."""
    return _OF_VALUE32.take(values)
