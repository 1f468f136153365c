"""How a channel varies over the patch: its spectrum, and which values stand side by side."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.patches.features.colour import Channel

LEVELS = 8
"""Grey levels of the co-occurrence matrix, evenly spaced over the patch's range."""
BANDS = (0.0, 0.1, 0.25, 0.71)
"""Edges of the low, middle and high band, in cycles per pixel; .71 is the corner."""
_STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))


def amplitude(channel: Channel) -> NDArray[np.float64]:
    """Return the amplitude of every wave of the discrete Fourier transform, over the number of pixels.

    The constant one, which is the mean of the channel, is 0: brightness is no texture.
    """
    found = np.abs(np.fft.fft2(channel)) / channel.size
    found[0, 0] = 0.0
    return np.asarray(found, dtype=np.float64)


def band_shares(channel: Channel) -> tuple[float, float, float]:
    """Return the shares of the power in waves longer than 10 pixels, of 4 to 10 pixels, and shorter."""
    power = amplitude(channel) ** 2
    rows, columns = (np.fft.fftfreq(n) for n in channel.shape)
    wave = np.hypot(rows[:, None], columns[None])
    whole = float(power.sum()) or 1.0
    low, middle, high = (float(power[(wave >= a) & (wave < b)].sum()) / whole for a, b in pairwise(BANDS))
    return low, middle, high


def side_by_side(channel: Channel) -> tuple[float, float, float, float, float]:
    """Return contrast, correlation, energy, homogeneity and entropy (bits) of the co-occurrence matrix.

    Haralick et al., IEEE Trans SMC 1973;3:610-621; neighbours in four directions, both ways, one matrix.
    """
    low, high = float(channel.min()), float(channel.max())
    if low == high:
        return 0.0, 1.0, 1.0, 1.0, 0.0
    level = np.minimum(((channel - low) / (high - low) * LEVELS).astype(np.intp), LEVELS - 1)
    p = _matrix(level)
    i, j = np.indices(p.shape)
    mean, apart = float((p * i).sum()), (i - j) ** 2
    variance = float((p * (i - mean) ** 2).sum())
    correlation = float((p * (i - mean) * (j - mean)).sum()) / variance if variance > 0 else 1.0
    entropy = -float((p[p > 0] * np.log2(p[p > 0])).sum())
    return float((p * apart).sum()), correlation, float((p**2).sum()), float((p / (1 + apart)).sum()), entropy


def _matrix(level: NDArray[np.intp]) -> NDArray[np.float64]:
    counts = np.zeros((LEVELS, LEVELS))
    rows, columns = level.shape
    for down, right in _STEPS:
        first = level[: rows - down, max(0, -right) : columns - max(0, right)]
        second = level[down:, max(0, right) : columns + min(0, right)]
        np.add.at(counts, (first, second), 1)
    both = counts + counts.T
    return np.asarray(both / both.sum(), dtype=np.float64)
