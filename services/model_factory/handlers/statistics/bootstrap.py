"""Percentile intervals from resampled patients (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from services.model_factory.handlers.statistics.arrays import Labels, Vector
from services.model_factory.handlers.statistics.estimates import Estimate

REPEATS = 1000
_FEWEST = 0.9
"""Share of the resamples in which the statistic must exist."""


def resamples(patients: Labels, repeats: int, rng: np.random.Generator) -> Iterator[Labels]:
    """Yield the rows of ``repeats`` samples of whole patients, with replacement; ``patients``: one number each."""
    _, inverse = np.unique(patients, return_inverse=True)
    count = int(inverse.max()) + 1
    if count == len(inverse):
        for _ in range(repeats):
            yield rng.integers(0, count, count)
        return
    rows = np.split(np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1])
    for _ in range(repeats):
        yield np.concatenate([rows[patient] for patient in rng.integers(0, count, count)])


def replicates(statistic: Callable[[Labels], Vector], draws: Iterator[Labels]) -> Vector:
    """Return ``statistic(rows)`` per draw; NaN where it raised ``ValueError``. Shape: (draws, values)."""

    def tried(rows: Labels) -> Vector | None:
        try:
            return np.atleast_1d(statistic(rows))
        except ValueError:
            return None

    found = [tried(rows) for rows in draws]
    width = next((len(one) for one in found if one is not None), 1)
    return np.array([np.full(width, np.nan) if one is None else one for one in found])


def percentile(value: float, sampled: Vector) -> Estimate:
    """Return ``value`` with the 2.5 and 97.5 percentiles of ``sampled``; NaN limits where that rarely existed."""
    kept = sampled[np.isfinite(sampled)]
    method = f"bootstrap of patients, percentiles, {len(kept)} resamples, 95 %"
    if len(kept) < max(_FEWEST * len(sampled), 2):
        return Estimate(value, (float("nan"), float("nan")), method)
    low, high = np.quantile(kept, [0.025, 0.975])
    return Estimate(value, (float(low), float(high)), method)


def with_intervals(
    statistic: Callable[[Labels], Vector],
    patients: Labels,
    rng: np.random.Generator,
    repeats: int = REPEATS,
) -> tuple[Estimate, ...]:
    """Return each value of ``statistic`` on all rows with its bootstrap interval."""
    whole = np.atleast_1d(statistic(np.arange(len(patients))))
    sampled = replicates(statistic, resamples(patients, repeats, rng))
    return tuple(percentile(float(value), column) for value, column in zip(whole, sampled.T, strict=True))
