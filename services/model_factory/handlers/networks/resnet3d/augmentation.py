"""Crops as they might have been: turned, mirrored, brighter. Only while training."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

Crops = NDArray[np.float32]
"""(n, channels, slices, rows, columns)."""

TURNS = tuple((axes, flips) for axes in permutations(range(3)) for flips in product((False, True), repeat=3))
"""The 48 ways a cube falls onto itself: which axis comes where, and which are reversed. No value is interpolated."""
GAIN, SHIFT = 0.1, 0.1
"""Standard deviation of the factor (around 1) and of what is added, in standard deviations of the crop."""


def augmented(crops: Crops, rng: np.random.Generator) -> Crops:
    """Return every crop turned or mirrored at random, with another gain and offset."""
    made = np.empty_like(crops)
    for place, crop in enumerate(crops):
        axes, flips = TURNS[rng.integers(len(TURNS))]
        made[place] = turned(crop, axes, flips)
    n, channels = crops.shape[:2]
    gain = 1.0 + GAIN * rng.standard_normal((n, channels, 1, 1, 1), dtype=np.float32)
    made *= gain
    made += SHIFT * rng.standard_normal((n, channels, 1, 1, 1), dtype=np.float32)
    return made


def turned(crop: Crops, axes: tuple[int, ...], flips: tuple[bool, ...]) -> Crops:
    """Return one crop (channels, edge, edge, edge) with its axes in another order, some reversed."""
    moved = crop.transpose(0, *(1 + axis for axis in axes))
    return np.flip(moved, tuple(1 + axis for axis, reverse in enumerate(flips) if reverse))
