"""Connected regions of a mask, by their area."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

_EIGHT = np.ones((3, 3), dtype=np.bool_)


def labelled(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Return the number of each region (0: none; corners connect) and how many there are."""
    numbers, count = label(mask, _EIGHT)
    return numbers, count


def at_least(mask: NDArray[np.bool_], mm2: float, um: float) -> NDArray[np.bool_]:
    """Return the mask without regions smaller than so many square millimetres."""
    numbers, _ = labelled(mask)
    keep = np.bincount(numbers.ravel()) * (um / 1000) ** 2 >= mm2
    keep[0] = False
    kept: NDArray[np.bool_] = keep[numbers]
    return kept
