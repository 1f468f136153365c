"""Ranks against ordered and unordered groups: Spearman's correlation, Kruskal-Wallis, Dunn's pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.model_factory.handlers.statistics.arrays import Labels, Vector
from services.model_factory.handlers.statistics.bootstrap import REPEATS, with_intervals
from services.model_factory.handlers.statistics.discrimination import midranks
from services.model_factory.handlers.statistics.estimates import Estimate


@dataclass(frozen=True, slots=True)
class Pair:
    """Two groups by Dunn's test."""

    first: int
    second: int
    z: float
    """Mean rank of the first less that of the second, over its standard error."""
    p: float
    """Two-sided, not corrected."""
    p_holm: float
    """Corrected for all pairs (Holm, Scand J Stat 1979;6:65-70)."""


def spearman(x: Vector, y: Vector) -> float:
    """Return the correlation of the midranks.

    Raises:
        ValueError: If either does not vary.
    """
    a, b = midranks(x), midranks(y)
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        raise ValueError("a rank correlation needs three values that differ")
    return float(np.corrcoef(a, b)[0, 1])


def spearman_estimated(
    x: Vector, y: Vector, patients: Labels, rng: np.random.Generator, repeats: int = REPEATS
) -> Estimate:
    """Return the correlation with its interval by resampled patients.

    Raises:
        ValueError: As ``spearman``.
    """
    return with_intervals(lambda rows: np.array([spearman(x[rows], y[rows])]), patients, rng, repeats)[0]


def dunn(values: Vector, groups: Labels) -> tuple[Pair, ...]:
    """Compare every pair of groups by mean ranks over all values (Dunn, Technometrics 1964;6:241-252), ties corrected.

    Raises:
        ValueError: If there are fewer than two groups, or the values do not vary.
    """
    names, sizes = np.unique(groups, return_counts=True)
    n = len(values)
    if len(names) < 2 or np.ptp(values) == 0:
        raise ValueError("Dunn's test needs two groups and values that differ")
    ranks = midranks(values)
    _, tied = np.unique(values, return_counts=True)
    variance = n * (n + 1) / 12.0 - float((tied.astype(np.float64) ** 3 - tied).sum()) / (12.0 * (n - 1))
    means = [float(ranks[groups == name].mean()) for name in names]
    found = []
    for i in range(len(names)):
        for j in range(i + 1, len(names)):
            z = (means[i] - means[j]) / math.sqrt(variance * (1 / sizes[i] + 1 / sizes[j]))
            found.append((int(names[i]), int(names[j]), z, math.erfc(abs(z) / math.sqrt(2.0))))
    corrected = holm([p for *_, p in found])
    return tuple(Pair(*one, p_holm) for one, p_holm in zip(found, corrected, strict=True))


def holm(p: Sequence[float]) -> list[float]:
    """Return p values corrected for all of them, in their order."""
    found, highest = [0.0] * len(p), 0.0
    for place, index in enumerate(sorted(range(len(p)), key=lambda one: p[one])):
        highest = max(highest, min(1.0, (len(p) - place) * p[index]))
        found[index] = highest
    return found
