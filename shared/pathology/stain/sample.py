"""Which pixels the stains of a slide are fitted on: a fixed number, spread evenly, the same every time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.pathology.stain.density import density32

LEAST_DENSITY = 0.15
"""Mean optical density from which a pixel counts as stained (Macenko 2009: beta .15)."""
PIXELS = 20_000
"""Enough: a fit on ten times as many moves no component by more than .01 on the slides tried."""


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


def sample_corners(
    tissue: NDArray[np.bool_], um: float, microns_per_pixel: float, side_px: int, count: int = 24
) -> NDArray[np.int64]:
    """Return (m, 2), m <= count: x and y, in pixels of level 0, of the squares to read for the fit.

    Args:
        tissue: The mask of ``tissue``, over the whole slide.
        um: Micrometres per pixel of the mask.
        microns_per_pixel: Of level 0.
        side_px: Side of a square, in pixels of level 0; its centre lies on tissue.
        count: How many at most.
    """
    rows, columns = np.nonzero(tissue)
    if not len(rows):
        return np.zeros((0, 2), dtype=np.int64)
    chosen = np.unique(np.linspace(0, len(rows) - 1, count).round().astype(np.intp))
    centres = np.stack([columns[chosen], rows[chosen]], axis=1) + 0.5
    corners = centres * (um / microns_per_pixel) - side_px / 2
    size = np.array(tissue.shape[::-1]) * (um / microns_per_pixel) - side_px
    inside: NDArray[np.int64] = np.clip(corners, 0, np.maximum(size, 0)).astype(np.int64)
    return inside
