"""Arrays that a child says it read of a slide, checked: shape, type, places; their values are only pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.domain.errors import InvalidInputError
from shared.jail.slides_tree import PatchTask
from shared.pathology.stain_fit import StainFit
from shared.slides.overview import MOST_OVERVIEW_PX

Fetch = Callable[[Any], NDArray[Any]]
"""Returns the array at a spot of the window, or raises InvalidInputError."""


@dataclass(frozen=True, slots=True, eq=False)
class Overview:
    """The whole slide, small."""

    rgb: NDArray[np.uint8]
    """(rows, columns, 3), read-only."""
    um_per_px: float
    """As asked for, or coarser where the slide is so large that it would not fit."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadPatches:
    """What one task read."""

    kept: tuple[int, ...]
    """Places among the patches asked for that are no background, ascending."""
    pixels: NDArray[Any] | None
    """One row for each; None where there is none."""


def overview_of(answer: dict[str, Any], fetch: Fetch) -> Overview:
    """Return the overview.

    Raises:
        InvalidInputError: If the answer holds none.
    """
    rgb, um = fetch(answer.get("overview")), answer.get("um_per_px")
    shaped = rgb.ndim == 3 and rgb.shape[2] == 3 and rgb.dtype == np.uint8
    if not shaped or rgb.size > 3 * MOST_OVERVIEW_PX * 1.01 or not isinstance(um, float) or not 0 < um < 1e6:
        raise InvalidInputError("overview", "cannot be read from the jail")
    rgb.flags.writeable = False
    return Overview(rgb, um)


def patches_of(answer: dict[str, Any], fetch: Fetch, task: PatchTask) -> ReadPatches:
    """Return the patches.

    Raises:
        InvalidInputError: If the answer holds none of this task.
    """
    kept = answer.get("kept")
    if not isinstance(kept, list) or not all(type(one) is int and 0 <= one < len(task.corners) for one in kept):
        raise InvalidInputError("kept", "names patches that were not asked for")
    if kept != sorted(set(kept)):
        raise InvalidInputError("kept", "names patches twice")
    if not kept:
        return ReadPatches((), None)
    pixels, wanted = fetch(answer.get("pixels")), empty_pixels(task.contract.input_px, task.fit)
    if (pixels.shape, pixels.dtype) != ((len(kept), *wanted.shape[1:]), wanted.dtype):
        raise InvalidInputError("pixels", "have another shape than was asked for")
    if task.fit is not None and not np.isfinite(pixels).all():
        raise InvalidInputError("pixels", "are no numbers")
    return ReadPatches(tuple(kept), pixels)


def empty_pixels(side: int, fit: StainFit | None) -> NDArray[Any]:
    """Return pixels of no patch: as they are read, or, with a fit, as the network takes them."""
    return np.empty((0, side, side, 3), np.uint8) if fit is None else np.empty((0, 3, side, side), np.float32)
