"""First-order features: of the intensities, and of their grey levels (definitions of pyradiomics 3.0.1)."""

from __future__ import annotations

import numpy as np

from shared.radiomics.levels import Levels
from shared.radiomics.prepared import Floats


def first_order(levels: Levels, shift: float, voxel_mm3: float) -> dict[str, float]:
    """Return the 18 features; ``shift`` is added before squares are taken, so that negative intensities count too."""
    x = levels.values.astype(np.float64)
    p10, p25, p50, p75, p90 = np.percentile(x, [10, 25, 50, 75, 90])
    low, high = x.min(), x.max()
    energy = np.sum((x + shift) ** 2)
    return {
        "10Percentile": p10,
        "90Percentile": p90,
        "Energy": energy,
        "InterquartileRange": p75 - p25,
        "Maximum": high,
        "Mean": x.mean(),
        "Median": p50,
        "Minimum": low,
        "Range": high - low,
        "RobustMeanAbsoluteDeviation": _mean_deviation(x[(x >= p10) & (x <= p90)]),
        "RootMeanSquared": np.sqrt(energy / len(x)),
        "TotalEnergy": energy * voxel_mm3,
        **_moments(x),
        **_histogram(levels),
    }


def _mean_deviation(x: Floats) -> float:
    return float(np.mean(np.abs(x - x.mean())))


def _moments(x: Floats) -> dict[str, float]:
    """Skewness and kurtosis of a flat region are 0; the kurtosis of a normal distribution is 3."""
    off = x - x.mean()
    square = off * off
    second, third, fourth = square.mean(), (square * off).mean(), (square * square).mean()
    flat = second == 0
    return {
        "MeanAbsoluteDeviation": np.abs(off).mean(),
        "Variance": second,
        "Skewness": 0.0 if flat else third / second**1.5,
        "Kurtosis": 0.0 if flat else fourth / second**2,
    }


def _histogram(levels: Levels) -> dict[str, float]:
    p = levels.counts / len(levels.levels)
    return {"Entropy": -np.sum(p * np.log2(p + np.spacing(1))), "Uniformity": np.sum(p**2)}
