"""Where contrast arrived, seen in a few slices of two phases; for studies whose attributes do not say it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.dicom.volumes import Sources, read_slices
from shared.domain.errors import InvalidInputError
from shared.imaging.brightening import brightened_share
from shared.imaging.contrast import LEAST_BRIGHTENED, Brightened
from shared.imaging.dynamic import FrameHeader

_SLICES = 5
"""Slices that are looked at, spread over the middle half of the stack: heart, vessels and breast lie there."""
_WIDE_SLICES = 32
"""Slices of the whole stack that are looked at where those show nothing: one lesion may be all that enhances."""


def brightened_in(sources: Sources) -> Brightened:
    """Return what looks into the images of ``sources``; the first phase is decoded once."""
    known: dict[tuple[FrameHeader, int], NDArray[np.float32]] = {}

    def share(first: Sequence[FrameHeader], second: Sequence[FrameHeader], places: NDArray[np.intp]) -> float | None:
        if any(first[at].position != second[at].position for at in places):
            return None
        key = first[0], len(places)
        try:
            if key not in known:
                known[key] = read_slices([first[at] for at in places], sources)
            return brightened_share(known[key], read_slices([second[at] for at in places], sources))
        except (InvalidInputError, OSError):
            return None

    def brightened(first: Sequence[FrameHeader], second: Sequence[FrameHeader]) -> float | None:
        count = min(len(first), len(second))
        middle = share(first, second, _spread(count // 4, max(count * 3 // 4 - 1, count // 4), _SLICES))
        if middle is None or middle >= LEAST_BRIGHTENED:
            return middle
        wide = share(first, second, _spread(0, count - 1, _WIDE_SLICES))
        return middle if wide is None else max(middle, wide)

    return brightened


def _spread(first: int, last: int, count: int) -> NDArray[np.intp]:
    return np.unique(np.linspace(first, last, count).astype(np.intp))
