"""Cumulative / dynamic AUC at a horizon, weighted for censoring.

A case had the event by the horizon, a control is still free of it; cases weigh 1 / G(time-) (Uno, Cai, Tian & Wei, JASA
2007;102:527-537; Hung & Chiang, Can J Stat 2010;38:8-26). Intervals: resampled patients, the weights estimated anew.
"""

from __future__ import annotations

import numpy as np

from services.model_factory.handlers.statistics.arrays import Flags, Labels, Vector
from services.model_factory.handlers.statistics.bootstrap import REPEATS, with_intervals
from services.model_factory.handlers.statistics.censoring_weights import weights_at
from services.model_factory.handlers.statistics.estimates import Estimate
from services.model_factory.handlers.statistics.kaplan_meier import SurvivalCurve


def dynamic_auc(
    time: Vector, event: Flags, risk: Vector, horizon: float, censoring: SurvivalCurve | None = None
) -> float:
    """Return the AUC of ``risk`` at ``horizon`` (years); equal risks count one half.

    Raises:
        ValueError: If there is no case or no control.
    """
    weight = weights_at(horizon, time, event, censoring)
    case, control = event & (time <= horizon), time > horizon
    if not case.any():
        raise ValueError(f"no event within {horizon:g} years")
    others = np.sort(risk[control])
    below = np.searchsorted(others, risk[case], side="left") + np.searchsorted(others, risk[case], side="right")
    return float(np.average(below / (2.0 * len(others)), weights=weight[case]))


def dynamic_auc_with_interval(
    time: Vector,
    event: Flags,
    risk: Vector,
    horizon: float,
    rng: np.random.Generator,
    *,
    patients: Labels | None = None,
    repeats: int = REPEATS,
) -> Estimate:
    """Return the AUC at ``horizon`` with its bootstrap interval; rows of one patient carry one number."""
    whose = np.arange(len(time)) if patients is None else patients

    def at(rows: Labels) -> Vector:
        return np.array([dynamic_auc(time[rows], event[rows], risk[rows], horizon)])

    return with_intervals(at, whose, rng, repeats)[0]


def dynamic_roc(time: Vector, event: Flags, risk: Vector, horizon: float) -> tuple[Vector, Vector]:
    """Return false and true positive rates at ``horizon``, from (0, 0) to (1, 1), one point per distinct risk."""
    weight = weights_at(horizon, time, event)
    case, control = event & (time <= horizon), time > horizon
    cuts = np.unique(risk[case | control])[::-1]
    place = np.searchsorted(-cuts, -risk)
    true = np.cumsum(np.bincount(place[case], weight[case], len(cuts)))
    false = np.cumsum(np.bincount(place[control], minlength=len(cuts)))
    return np.r_[0.0, false / false[-1]], np.r_[0.0, true / true[-1]]
