"""Cumulative incidence with competing causes (Aalen & Johansen, Scand J Stat 1978;5:141-150).

The variance is the delta-method one of Marubini & Valsecchi, Analysing Survival Data, 1995, section 10.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from services.model_factory.handlers.statistics.arrays import Labels, Vector
from services.model_factory.handlers.statistics.estimates import Estimate

_Z = NormalDist().inv_cdf(0.975)
_METHOD = "Aalen-Johansen, delta method, log-log, 95 %"


@dataclass(frozen=True, slots=True)
class Incidence:
    """The share that had one cause by each time; arrays run over the distinct times, rising."""

    times: Vector
    incidence: Vector
    variance: Vector

    def estimate(self, time: float) -> Estimate:
        """Return the incidence at ``time`` with its log-log interval."""
        place = int(np.searchsorted(self.times, time, side="right"))
        value, variance = float(np.r_[0.0, self.incidence][place]), float(np.r_[0.0, self.variance][place])
        if not 0 < value < 1:
            return Estimate(value, (value, value), _METHOD)
        half = _Z * np.sqrt(variance) / ((1 - value) * abs(np.log1p(-value)))
        limits = [1 - (1 - value) ** np.exp(sign * half) for sign in (-1, 1)]
        return Estimate(value, (float(limits[0]), float(limits[1])), _METHOD)


def aalen_johansen(time: Vector, cause: Labels, of: int = 1) -> Incidence:
    """Estimate the incidence of cause ``of``; cause 0 is censored, every other number competes.

    Raises:
        ValueError: If there is nobody, or ``of`` is 0.
    """
    if not len(time) or of == 0:
        raise ValueError("an incidence needs patients, and a cause other than 0 (censored)")
    times, inverse = np.unique(time, return_inverse=True)
    n = len(time) - np.r_[0, np.cumsum(np.bincount(inverse, minlength=len(times)))[:-1]]
    mine: Vector = np.bincount(inverse, cause == of, len(times)).astype(np.float64)
    every: Vector = np.bincount(inverse, cause != 0, len(times)).astype(np.float64)
    free = np.cumprod(1 - every / n)
    before = np.r_[1.0, free[:-1]]
    incidence = np.cumsum(before * mine / n)
    return Incidence(times, incidence, _variance(incidence, before, n.astype(np.float64), mine, every))


def _variance(incidence: Vector, before: Vector, n: Vector, mine: Vector, every: Vector) -> Vector:
    """At each time t: sum over s <= t, written with running sums of powers of the incidence at s."""
    leave = np.where(n > every, every / (n * np.maximum(n - every, 1.0)), 0.0)
    own = before**2 * mine * (n - mine) / n**3
    cross = before * mine / n**2

    def sums(weight: Vector) -> tuple[Vector, Vector, Vector]:
        return np.cumsum(weight), np.cumsum(weight * incidence), np.cumsum(weight * incidence**2)

    zero, one, two = sums(leave)
    linear_zero, linear_one, _ = sums(cross)
    square = incidence**2 * zero - 2 * incidence * one + two
    variance: Vector = square + np.cumsum(own) - 2 * (incidence * linear_zero - linear_one)
    return np.maximum(variance, 0.0)
