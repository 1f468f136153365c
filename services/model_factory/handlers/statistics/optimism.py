"""How much of a performance comes from measuring where one fitted (Harrell, Lee & Mark, Stat Med 1996;15:361-387).

Everything that looked at the outcome - selection, cuts, lambda - belongs inside ``fit``. Intervals: the apparent
bootstrap distribution moved by the optimism (Noma et al., Stat Med 2021;40:5691-5701).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from services.model_factory.handlers.statistics.arrays import Labels, Vector
from services.model_factory.handlers.statistics.bootstrap import REPEATS, percentile, resamples
from services.model_factory.handlers.statistics.estimates import Estimate

Predict = Callable[[Labels], Vector]
"""Rows -> predictions."""
Fit = Callable[[Labels], Predict]
"""Rows, possibly repeated -> a model that predicts for any rows."""
Measure = Callable[[Labels, Vector], Vector]
"""Rows and their predictions -> one number or several."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """One measure, as seen and as it would be on new patients of the same kind."""

    apparent: float
    optimism: float
    corrected: Estimate


def optimism_corrected(
    fit: Fit,
    measure: Measure,
    patients: Labels,
    rng: np.random.Generator,
    *,
    repeats: int = REPEATS,
    told: Callable[[int], None] = lambda _: None,
) -> tuple[Corrected, ...]:
    """Correct each number of ``measure``; ``told`` hears how many resamples are done.

    ``patients`` names each row's patient; whole patients are resampled. A resample on which ``fit`` or ``measure``
    raises ``ValueError`` is left out, and the interval's method says how many were kept.
    """
    everybody = np.arange(len(patients))
    apparent = np.atleast_1d(measure(everybody, fit(everybody)(everybody)))
    inside, excess = [], []
    for done, rows in enumerate(resamples(patients, repeats, rng), start=1):
        try:
            model = fit(rows)
            seen, new = measure(rows, model(rows)), measure(everybody, model(everybody))
        except ValueError:
            seen = new = np.full(len(apparent), np.nan)
        inside.append(np.atleast_1d(seen))
        excess.append(np.atleast_1d(seen) - np.atleast_1d(new))
        told(done)
    return tuple(
        _corrected(float(value), sampled, gaps)
        for value, sampled, gaps in zip(apparent, np.array(inside).T, np.array(excess).T, strict=True)
    )


def _corrected(apparent: float, sampled: Vector, gaps: Vector) -> Corrected:
    optimism = float(np.nanmean(gaps)) if np.isfinite(gaps).any() else float("nan")
    found = percentile(apparent - optimism, sampled - optimism)
    return Corrected(apparent, optimism, Estimate(found.value, found.interval, f"optimism-corrected {found.method}"))
