"""The product-limit estimate with Greenwood's variance (Kaplan & Meier, JASA 1958;53:457-481)."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from services.model_factory.handlers.statistics.arrays import Flags, Labels, Vector
from services.model_factory.handlers.statistics.estimates import Estimate

_Z = NormalDist().inv_cdf(0.975)
_LOG_LOG = "Kaplan-Meier, Greenwood, log-log, 95 %"


@dataclass(frozen=True, slots=True)
class SurvivalCurve:
    """A step function; all arrays run over the distinct times, rising."""

    times: Vector
    """Years; of events and censorings."""
    at_risk: Labels
    events: Labels
    survival: Vector
    """Just after each time."""
    variance: Vector
    """Greenwood's, of ``survival``."""

    def at(self, times: Vector, *, before: bool = False) -> Vector:
        """Return the survival at ``times``, or just before them."""
        place = np.searchsorted(self.times, times, side="left" if before else "right")
        found: Vector = np.r_[1.0, self.survival][place]
        return found

    def estimate(self, time: float) -> Estimate:
        """Return the survival at ``time`` with its log-log interval (Kalbfleisch & Prentice)."""
        place = int(np.searchsorted(self.times, time, side="right"))
        survival, variance = float(np.r_[1.0, self.survival][place]), float(np.r_[0.0, self.variance][place])
        low, high = log_log_interval(np.array([survival]), np.array([variance]))
        return Estimate(survival, (float(low[0]), float(high[0])), _LOG_LOG)

    def median(self) -> float | None:
        """Return the first time at which the survival is at most one half, if it ever is."""
        below = np.flatnonzero(self.survival <= 0.5)
        return float(self.times[below[0]]) if len(below) else None


def kaplan_meier(time: Vector, event: Flags) -> SurvivalCurve:
    """Estimate the survival; events come before censorings at the same time.

    Raises:
        ValueError: If there is nobody.
    """
    times, at_risk, events, _ = _table(time, event)
    return _curve(times, at_risk, events)


def censoring_curve(time: Vector, event: Flags) -> SurvivalCurve:
    """Estimate the probability of not being censored yet; who has the event at a time cannot leave then."""
    times, at_risk, events, left = _table(time, event)
    return _curve(times, at_risk - events, left)


def log_log_interval(survival: Vector, variance: Vector) -> tuple[Vector, Vector]:
    """Return the 95 % limits of survivals on the log-log scale; at 0 and 1 the value itself."""
    inside = (survival > 0) & (survival < 1)
    safe = np.where(inside, survival, 0.5)
    half = _Z * np.sqrt(variance) / (safe * np.abs(np.log(safe)))
    # exp(half) is capped: beyond it the limits are 0 and 1 anyway.
    spread = np.exp(np.minimum(half, 50.0))
    return np.where(inside, safe**spread, survival), np.where(inside, safe ** (1 / spread), survival)


def _table(time: Vector, event: Flags) -> tuple[Vector, Labels, Labels, Labels]:
    if not len(time):
        raise ValueError("a survival curve of nobody")
    times, inverse = np.unique(time, return_inverse=True)
    leaving = np.bincount(inverse, minlength=len(times))
    events = np.bincount(inverse, event, len(times)).astype(np.intp)
    at_risk = len(time) - np.r_[0, np.cumsum(leaving)[:-1]]
    return times, at_risk, events, leaving - events


def _curve(times: Vector, at_risk: Labels, events: Labels) -> SurvivalCurve:
    risk: Vector = np.maximum(at_risk, 1).astype(np.float64)
    survival: Vector = np.cumprod(1.0 - events / risk).astype(np.float64)
    remaining = at_risk - events
    steps = np.where(remaining > 0, events / (risk * np.maximum(remaining, 1.0)), 0.0)
    return SurvivalCurve(times, at_risk, events, survival, survival**2 * np.cumsum(steps))
