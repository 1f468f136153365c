"""Two models on the same patients: difference of AUCs, of calls, of any measure.

DeLong, DeLong & Clarke-Pearson, Biometrics 1988;44:837-845; McNemar, Psychometrika 1947;12:153-157.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from scipy.stats import binomtest

from services.model_factory.handlers.statistics.arrays import Flags, Labels, Vector
from services.model_factory.handlers.statistics.bootstrap import REPEATS, with_intervals
from services.model_factory.handlers.statistics.discrimination import DELONG, placements
from services.model_factory.handlers.statistics.estimates import Estimate, Significance

_NORMAL = NormalDist()
_Z = _NORMAL.inv_cdf(0.975)


def auc_difference(event: Flags, one: Vector, other: Vector) -> tuple[Estimate, Significance]:
    """Return AUC(one) - AUC(other) with DeLong's interval and test.

    Raises:
        ValueError: If there are not at least two events and two non-events.
    """
    rows = [placements(event, score) for score in (one, other)]
    positive, negative = (np.array([row[side] for row in rows]) for side in (0, 1))
    difference = float(positive[0].mean() - positive[1].mean())
    contrast = np.array([1.0, -1.0])
    variance = sum(float(contrast @ np.cov(part) @ contrast) / part.shape[1] for part in (positive, negative))
    half = _Z * math.sqrt(variance)
    z = difference / math.sqrt(variance) if variance > 0 else 0.0
    tested = Significance("DeLong, paired", z, None, 2 * (1 - _NORMAL.cdf(abs(z))))
    return Estimate(difference, (difference - half, difference + half), DELONG), tested


def mcnemar(right: Flags, other_right: Flags) -> Significance:
    """Test whether two models are right equally often, exactly on the patients where they differ."""
    only, other_only = int((right & ~other_right).sum()), int((~right & other_right).sum())
    n = only + other_only
    p = float(binomtest(only, n).pvalue) if n else 1.0
    return Significance("McNemar, exact", float(only - other_only), None, p)


def difference(
    measure: Callable[[Labels, Vector], float],
    one: Vector,
    other: Vector,
    rng: np.random.Generator,
    *,
    patients: Labels | None = None,
    repeats: int = REPEATS,
) -> Estimate:
    """Return measure(one) - measure(other), both models on the same resampled patients."""
    whose = np.arange(len(one)) if patients is None else patients

    def at(rows: Labels) -> Vector:
        return np.array([measure(rows, one[rows]) - measure(rows, other[rows])])

    return with_intervals(at, whose, rng, repeats)[0]
