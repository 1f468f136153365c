"""How much of the tissue is brighter in one phase than in another: where contrast has arrived."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_TISSUE = 0.15
"""Share of the 99th percentile of the first phase from which a pixel is tissue and not air."""
_BRIGHTER = 0.5
"""Relative rise that noise and motion seldom reach and enhancing tissue does (PE of 50 %)."""


def brightened_share(before: NDArray[Any], after: NDArray[Any]) -> float | None:
    """Return which share of the tissue is half as bright again in ``after``, less the share that was so ``before``.

    A beating heart and a body that moves brighten as many pixels as they darken; contrast only brightens. Both are the
    same slices, (slices, rows, columns); None where there is no tissue, or they differ in shape.
    """
    if before.shape != after.shape or min(before.shape) < 1 or min(before.shape[1:]) < 2:
        return None
    first, second = _coarse(before), _coarse(after)
    air = _TISSUE * float(np.percentile(first, 99))
    tissue = (first > air) | (second > air)
    if air <= 0 or not tissue.any():
        return None
    brighter, darker = second > (1 + _BRIGHTER) * first, first > (1 + _BRIGHTER) * second
    return float(brighter[tissue].mean() - darker[tissue].mean())


def _coarse(slices: NDArray[Any]) -> NDArray[np.float32]:
    """Return means of two by two pixels: less noise."""
    rows, columns = slices.shape[1] // 2 * 2, slices.shape[2] // 2 * 2
    even = slices[:, :rows, :columns].astype(np.float32)
    return (even[:, ::2, ::2] + even[:, 1::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, 1::2]) / np.float32(4)
