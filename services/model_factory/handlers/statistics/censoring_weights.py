"""Inverse-probability-of-censoring weights at a horizon (Graf et al., Stat Med 1999;18:2529-2545)."""

from __future__ import annotations

import numpy as np

from services.model_factory.handlers.statistics.arrays import Flags, Vector
from services.model_factory.handlers.statistics.kaplan_meier import SurvivalCurve, censoring_curve


def weights_at(horizon: float, time: Vector, event: Flags, censoring: SurvivalCurve | None = None) -> Vector:
    """Return each patient's weight at ``horizon`` (years): events by then 1 / G(time-), those beyond it 1 / G(horizon).

    Patients censored by then weigh 0. ``censoring`` is estimated on the same patients unless another one is given.

    Raises:
        ValueError: If nobody is followed beyond the horizon.
    """
    curve = censoring_curve(time, event) if censoring is None else censoring
    by_then = event & (time <= horizon)
    beyond = time > horizon
    if not beyond.any():
        raise ValueError(f"nobody is followed beyond {horizon:g} years")
    free = np.where(by_then, curve.at(time, before=True), float(curve.at(np.array([horizon]))[0]))
    if not (free[by_then | beyond] > 0).all():
        raise ValueError(f"everybody is censored before {horizon:g} years")
    return np.where(by_then | beyond, 1.0 / np.where(free > 0, free, 1.0), 0.0)
