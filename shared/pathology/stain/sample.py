"""Which patches and pixels the stains of a slide are fitted on: a fixed number, spread evenly, the same every time."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from shared.pathology.stain.density import density32

Place = TypeVar("Place", bound=np.signedinteger[Any])

LEAST_DENSITY = 0.15
"""Mean optical density from which a pixel counts as stained (Macenko 2009: beta .15)."""
PIXELS = 20_000
"""Enough: a fit on ten times as many moves no component by more than .01 on the slides tried."""
PATCHES = 24
"""Of the grid of fixed micrometres; their pixels are read at the network's scale."""


def fitted_on(places: NDArray[Place]) -> NDArray[Place]:
    """Return those of the patches on tissue that the stains are fitted on: the same in training and in use."""
    if not len(places):
        return places
    return places[np.unique(np.linspace(0, len(places) - 1, PATCHES).round().astype(np.intp))]


def tissue_pixels(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (n, 3): the stained pixels of a region (..., 3); n may be 0."""
    flat = rgb.reshape(-1, 3)
    stained: NDArray[np.uint8] = flat[density32(flat).mean(axis=1) >= LEAST_DENSITY]
    return stained


def spread(values: NDArray[np.uint8], most: int = PIXELS) -> NDArray[np.uint8]:
    """Return at most so many of the rows, evenly spaced."""
    if len(values) <= most:
        return values
    return values[np.linspace(0, len(values) - 1, most).astype(np.intp)]
