"""Brier score at a horizon and its integral over time, weighted for censoring.

Graf, Schmoor, Sauerbrei & Schumacher, Stat Med 1999;18:2529-2545; the scaled score: Kattan & Gerds, Diagn Progn Res
2018;2:7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.model_factory.handlers.statistics.arrays import Flags, Labels, Vector
from services.model_factory.handlers.statistics.bootstrap import REPEATS, with_intervals
from services.model_factory.handlers.statistics.censoring_weights import weights_at
from services.model_factory.handlers.statistics.estimates import Estimate
from services.model_factory.handlers.statistics.kaplan_meier import SurvivalCurve, censoring_curve, kaplan_meier


@dataclass(frozen=True, slots=True)
class Brier:
    """The mean squared error of a risk at a horizon, or its mean over the time up to there; 0 is perfect."""

    horizon: float
    score: Estimate
    of_nobody: Estimate
    """The score of the Kaplan-Meier risk, the same for every patient."""
    scaled: Estimate
    """1 - score / of_nobody; 0 is as good as knowing nothing about the patient."""


def brier_score(
    time: Vector, event: Flags, risk: Vector, horizon: float, censoring: SurvivalCurve | None = None
) -> float:
    """Return the score of ``risk``, the probability of the event by ``horizon`` (years)."""
    weight = weights_at(horizon, time, event, censoring)
    happened = (event & (time <= horizon)).astype(np.float64)
    return float((weight * (happened - risk) ** 2).mean())


def brier(
    time: Vector, event: Flags, risk: Vector, horizon: float, rng: np.random.Generator, repeats: int = REPEATS
) -> Brier:
    """Return score, reference and scaled score at ``horizon`` with bootstrap intervals."""

    def at(rows: Labels) -> Vector:
        t, e = time[rows], event[rows]
        everybody = 1.0 - float(kaplan_meier(t, e).at(np.array([horizon]))[0])
        score = brier_score(t, e, risk[rows], horizon)
        return _beside(score, brier_score(t, e, np.full(len(rows), everybody), horizon), horizon)

    return Brier(horizon, *with_intervals(at, np.arange(len(time)), rng, repeats))


def integrated_brier(time: Vector, event: Flags, risks: Vector, times: Vector) -> float:
    """Return the mean score over ``times`` (rising, years) by the trapezoid rule; ``risks`` is (rows, times).

    Raises:
        ValueError: If there are fewer than two times.
    """
    if len(times) < 2:
        raise ValueError("an integral needs two times")
    free = censoring_curve(time, event)
    scores = [brier_score(time, event, risks[:, place], float(at), free) for place, at in enumerate(times)]
    return float(np.trapezoid(scores, times) / (times[-1] - times[0]))


def integrated_brier_with_interval(
    time: Vector, event: Flags, risks: Vector, times: Vector, rng: np.random.Generator, repeats: int = REPEATS
) -> Brier:
    """Return the integrated score, its reference and the scaled one with bootstrap intervals.

    Raises:
        ValueError: If there are fewer than two times, or no event or no follow-up up to the last.
    """
    last = float(times[-1]) if len(times) else 0.0

    def at(rows: Labels) -> Vector:
        t, e = time[rows], event[rows]
        everybody = np.broadcast_to(1.0 - kaplan_meier(t, e).at(times), (len(rows), len(times)))
        score = integrated_brier(t, e, risks[rows], times)
        return _beside(score, integrated_brier(t, e, everybody, times), last)

    return Brier(last, *with_intervals(at, np.arange(len(time)), rng, repeats))


def _beside(score: float, null: float, horizon: float) -> Vector:
    if null <= 0:
        raise ValueError(f"no event within {horizon:g} years")
    return np.array([score, null, 1.0 - score / null])
