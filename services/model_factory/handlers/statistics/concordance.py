"""Harrell's and Uno's C: of two patients, does the one with the earlier event have the higher risk?

Harrell, Lee & Mark, Stat Med 1996;15:361-387. Uno et al., Stat Med 2011;30:1105-1117: each pair weighs 1 / G(time-)^2
and counts up to ``tau``, which takes the censoring out of the estimand.
"""

from __future__ import annotations

import numpy as np

from services.model_factory.handlers.statistics.arrays import Flags, Labels, Vector
from services.model_factory.handlers.statistics.bootstrap import REPEATS, with_intervals
from services.model_factory.handlers.statistics.estimates import Estimate
from services.model_factory.handlers.statistics.kaplan_meier import censoring_curve


def harrell(time: Vector, event: Flags, risk: Vector) -> float:
    """Return Harrell's C; equal risks count one half, equal times are no pair unless one of them is censored.

    Raises:
        ValueError: If there is no pair.
    """
    return _concordance(time, event, risk, np.ones(len(time)))


def uno(time: Vector, event: Flags, risk: Vector, tau: float | None = None) -> float:
    """Return Uno's C up to ``tau`` (years; default: the last event).

    Raises:
        ValueError: If there is no pair.
    """
    last = time[event].max(initial=0.0) if tau is None else tau
    counted = event & (time < last) if tau is not None else event
    free = censoring_curve(time, event).at(time, before=True)
    weight = np.where(counted & (free > 0), 1.0 / np.where(free > 0, free, 1.0) ** 2, 0.0)
    return _concordance(time, counted, risk, weight, event)


def harrell_with_interval(
    time: Vector,
    event: Flags,
    risk: Vector,
    rng: np.random.Generator,
    *,
    patients: Labels | None = None,
    repeats: int = REPEATS,
) -> Estimate:
    """Return Harrell's C with its bootstrap interval; rows of one patient carry one number."""
    whose = np.arange(len(time)) if patients is None else patients

    def at(rows: Labels) -> Vector:
        return np.array([harrell(time[rows], event[rows], risk[rows])])

    return with_intervals(at, whose, rng, repeats)[0]


def uno_with_interval(
    time: Vector,
    event: Flags,
    risk: Vector,
    tau: float,
    rng: np.random.Generator,
    *,
    patients: Labels | None = None,
    repeats: int = REPEATS,
) -> Estimate:
    """Return Uno's C up to ``tau`` with its bootstrap interval; rows of one patient carry one number."""
    whose = np.arange(len(time)) if patients is None else patients

    def at(rows: Labels) -> Vector:
        return np.array([uno(time[rows], event[rows], risk[rows], tau)])

    return with_intervals(at, whose, rng, repeats)[0]


def _concordance(time: Vector, counted: Flags, risk: Vector, weight: Vector, event: Flags | None = None) -> float:
    """Sum over the counted events, latest first, the ranks of their risk among those with a later time."""
    happened = counted if event is None else event
    # At one time events come first, so a censoring at the same time is later.
    order = np.lexsort((~happened, time))
    sorted_time, sorted_risk, first = time[order], risk[order], happened[order]
    score, total = 0.0, 0.0
    for place in np.flatnonzero(counted[order]):
        moment = sorted_time[place]
        after = place + 1 + int(np.searchsorted(sorted_time[place + 1 :], moment, side="right"))
        same = place + 1 + int(np.count_nonzero(first[place + 1 : after]))
        others = sorted_risk[same:]
        share = float(weight[order[place]])
        lower = np.count_nonzero(others < sorted_risk[place])
        tied = np.count_nonzero(others == sorted_risk[place])
        score += share * (lower + 0.5 * tied)
        total += share * len(others)
    if total <= 0:
        raise ValueError("no two patients can be compared")
    return score / total
