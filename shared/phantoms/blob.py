"""A small simulated volume: a bright ball on a textured ground, off centre so that no flip goes unseen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def blob_volume(
    shape: tuple[int, int, int] = (12, 64, 64),
    *,
    centre: tuple[float, float, float] = (0.3, 0.4, 0.65),
    radius: float = 0.15,
    seed: int = 0,
) -> NDArray[Any]:
    """Return a uint16 volume (slices, rows, columns), values 0 to 4095.

    ``centre`` and ``radius`` are fractions of each axis; the same seed makes the same texture.
    """
    grid = np.meshgrid(*(np.linspace(0.0, 1.0, size) for size in shape), indexing="ij")
    distance = np.sqrt(sum((axis - middle) ** 2 for axis, middle in zip(grid, centre, strict=True)))
    ground = 300 + np.random.default_rng(seed).normal(0, 20, shape)
    ball = 1500 * np.clip(1.5 - distance / radius, 0, 1)
    return np.clip(ground + ball, 0, 4095).astype(np.uint16)
