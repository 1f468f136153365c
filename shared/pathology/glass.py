"""What colour the bare glass is, and how much darker than it each pixel of an overview is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

_DARKEST_GLASS = 190
_MOST_COLOUR = 40
"""Largest less smallest channel: glass may be tinted, stained it is not."""
_LEAST_SHARE = 0.005
_WITHOUT = (243.0, 243.0, 243.0)
"""Where the overview shows no glass."""


def glass_colour(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (3,): the commonest colour among bright, colourless, even pixels; what was never scanned is left out.

    Scanners fill unscanned places with exact white, and sensors never give it over a whole neighbourhood.
    """
    least, most = rgb.min(axis=2), rgb.max(axis=2)
    glass = (least >= _DARKEST_GLASS) & (most - least <= _MOST_COLOUR) & (least < 254)
    glass &= local_deviation(rgb.mean(axis=2, dtype=np.float32), 3) < 3
    if glass.mean() < _LEAST_SHARE:
        return np.array(_WITHOUT, dtype=np.float32)
    bright = rgb[glass]
    brightness = bright.mean(axis=1)
    commonest = int(np.bincount(brightness.astype(np.intp), minlength=256).argmax())
    near: NDArray[np.float32] = np.median(bright[np.abs(brightness - commonest) < 3], axis=0).astype(np.float32)
    return near


def density_over_glass(rgb: NDArray[np.uint8], glass: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (h, w, 3): optical density against the glass, not below 0."""
    density: NDArray[np.float32] = np.maximum(np.log(glass) - np.log(np.maximum(rgb, 1).astype(np.float32)), 0)
    return density


def local_deviation(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return the standard deviation in a square window around each pixel."""
    mean = uniform_filter(values, side)
    spread: NDArray[np.float32] = np.sqrt(np.maximum(uniform_filter(values * values, side) - mean * mean, 0))
    return spread
