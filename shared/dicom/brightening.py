"""Where contrast arrived, seen in a few slices of two phases; for studies whose attributes do not say it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.dicom.volumes import Sources, read_slices
from shared.domain.errors import InvalidInputError
from shared.imaging.brightening import brightened_share
from shared.imaging.contrast import Brightened
from shared.imaging.dynamic import FrameHeader

_SLICES = 5
"""Slices that are looked at, spread over the middle half of the stack: heart, vessels and breast lie there."""


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
                known[first[0]] = read_slices([first[at] for at in places], sources)
            return brightened_share(known[first[0]], read_slices([second[at] for at in places], sources))
        except (InvalidInputError, OSError):
            return None

    return brightened
