"""Where contrast arrived, seen in a few slices of two phases; for studies whose attributes do not say it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.dicom.volumes import Sources, read_slices
from shared.domain.errors import InvalidInputError
from shared.imaging.contrast import Brightened
from shared.imaging.dynamic import FrameHeader

_SLICES = 5
"""Slices that are looked at, spread over the middle half of the stack: heart, vessels and breast lie there."""
_TISSUE = 0.15
"""Share of the 99th percentile of the first phase from which a pixel is tissue and not air."""
_BRIGHTER = 0.5
"""Relative rise that noise and motion seldom reach and enhancing tissue does (PE of 50 %)."""


def brightened_in(sources: Sources) -> Brightened:
    """Return what looks into the images of ``sources``; the first phase is decoded once."""
    known: dict[FrameHeader, NDArray[np.float32]] = {}

    def brightened(first: Sequence[FrameHeader], second: Sequence[FrameHeader]) -> float | None:
        count = min(len(first), len(second))
        places = np.unique(np.linspace(count // 4, max(count * 3 // 4 - 1, count // 4), _SLICES).astype(int))
        if any(first[at].position != second[at].position for at in places):
            return None
        try:
            if first[0] not in known:
                known[first[0]] = _coarse(read_slices([first[at] for at in places], sources))
            return _share(known[first[0]], _coarse(read_slices([second[at] for at in places], sources)))
        except (InvalidInputError, OSError):
            return None

    return brightened


def _share(before: NDArray[np.float32], after: NDArray[np.float32]) -> float | None:
    if before.shape != after.shape or not before.size:
        return None
    tissue = before > _TISSUE * np.percentile(before, 99)
    if not tissue.any():
        return None
    return float((after[tissue] > (1 + _BRIGHTER) * before[tissue]).mean())


def _coarse(slices: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return means of two by two pixels: less noise."""
    rows, columns = slices.shape[1] // 2 * 2, slices.shape[2] // 2 * 2
    even = slices[:, :rows, :columns]
    return (even[:, ::2, ::2] + even[:, 1::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, 1::2]) / np.float32(4)
