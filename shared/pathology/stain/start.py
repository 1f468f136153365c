"""Where the factorisation starts: the two ends of the colours' fan (Macenko 2009, ISBI, section 2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_PERCENTILE = 1.0
"""Macenko's alpha: what lies beyond is taken for outliers."""


def fan_ends(density: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return (2, 3): haematoxylin-like end first; None where all pixels have one colour.

    Args:
        density: (3, n), optical density of tissue pixels.
    """
    plane = np.linalg.eigh(np.cov(density))[1][:, :0:-1]
    plane = plane * np.where(plane.sum(axis=0) < 0, -1, 1)
    first, second = plane.T @ density
    low, high = np.percentile(np.arctan2(second, first), [_PERCENTILE, 100 - _PERCENTILE])
    ends = np.maximum(np.array([plane @ [np.cos(angle), np.sin(angle)] for angle in (low, high)]), 0)
    lengths = np.linalg.norm(ends, axis=1, keepdims=True)
    if not np.isfinite(ends).all() or lengths.min() < 1e-6 or high - low < 1e-6:
        return None
    return haematoxylin_first(ends / lengths)


def haematoxylin_first(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return haematoxylin first: it takes more of the red (Ruifrok 2001, Table 1: .65 against .07)."""
    return vectors if vectors[0, 0] >= vectors[1, 0] else vectors[::-1].copy()
