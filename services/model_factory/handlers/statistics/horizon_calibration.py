"""Calibration of predicted risks at a horizon, under censoring.

Smooth curve, ICI, E50, E90: Austin, Harrell & van Klaveren, Stat Med 2020;39:2714-2742 (Cox model on a restricted cubic
spline of log(-log(1 - risk))). Grouped curve against Kaplan-Meier, and the test of Greenwood, Nam & D'Agostino: Demler,
Paynter & Cook, Stat Med 2015;34:1659-1680. Slope: Cox model on log(-log(1 - risk)). Intercept: the shift of
log(-log(1 - risk)) that makes the expected number of events the observed one (McLernon et al., Ann Intern Med
2023;176:105-114), observed by Kaplan-Meier.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2

from services.model_factory.handlers.statistics.arrays import Flags, Labels, Vector
from services.model_factory.handlers.statistics.bootstrap import REPEATS, with_intervals
from services.model_factory.handlers.statistics.cox import cox
from services.model_factory.handlers.statistics.discrimination import midranks
from services.model_factory.handlers.statistics.estimates import Estimate, Significance
from services.model_factory.handlers.statistics.kaplan_meier import kaplan_meier
from services.model_factory.handlers.statistics.splines import knots_of, restricted_cubic

_FEWEST = 5
"""Events by the horizon in each group of the Greenwood-Nam-D'Agostino test (Demler 2015)."""
_EDGE = 1e-9


@dataclass(frozen=True, slots=True)
class CalibrationGroup:
    """Patients with risks next to each other."""

    n: int
    events: int
    """By the horizon."""
    expected: float
    """Mean predicted risk."""
    observed: Estimate
    """1 - Kaplan-Meier at the horizon."""


@dataclass(frozen=True, slots=True)
class HorizonCalibration:
    """Predicted against observed risk at one horizon; perfect: ratio 1, intercept 0, slope 1, ICI 0."""

    horizon: float
    ratio: Estimate
    """Observed to expected."""
    intercept: Estimate
    slope: Estimate
    ici: Estimate
    """Mean absolute distance of the smooth curve from the predicted risk."""
    e50: Estimate
    e90: Estimate
    groups: tuple[CalibrationGroup, ...]
    greenwood_nam_dagostino: Significance | None
    """None where the patients do not fill two groups with five events each."""
    grid: Vector
    """Predicted risks at which the smooth curve is given."""
    curve: Vector
    """Smooth observed risk at ``grid``."""


def cloglog(risk: Vector) -> Vector:
    """Return log(-log(1 - risk)); risks of 0 and 1 are taken for the nearest ones that have it."""
    safe = np.clip(risk, _EDGE, 1 - _EDGE)
    found: Vector = np.log(-np.log1p(-safe))
    return found


def horizon_calibration(
    time: Vector,
    event: Flags,
    risk: Vector,
    horizon: float,
    rng: np.random.Generator,
    *,
    groups: int = 5,
    repeats: int = REPEATS,
) -> HorizonCalibration:
    """Measure the calibration of ``risk`` at ``horizon`` (years); intervals from resampled patients.

    Raises:
        ValueError: If nobody had the event by the horizon, or the risks are all one.
    """

    def numbers(rows: Labels) -> Vector:
        return _numbers(time[rows], event[rows], risk[rows], horizon)

    ratio, intercept, slope, ici, e50, e90 = with_intervals(numbers, np.arange(len(time)), rng, repeats)
    grid = np.quantile(risk, np.linspace(0.01, 0.99, 50))
    found = grouped(time, event, risk, horizon, groups)
    tested = greenwood_nam_dagostino(time, event, risk, horizon)
    curve = smooth(time, event, risk, horizon, grid)
    return HorizonCalibration(horizon, ratio, intercept, slope, ici, e50, e90, found, tested, grid, curve)


def smooth(time: Vector, event: Flags, risk: Vector, horizon: float, at: Vector) -> Vector:
    """Return the observed risk at ``horizon`` as a smooth function of the predicted one, at the predictions ``at``."""
    stopped, happened = np.minimum(time, horizon), event & (time <= horizon)
    linear = cloglog(risk)
    try:
        knots = knots_of(linear)
        fit = cox(restricted_cubic(linear, knots), stopped, happened)
        return fit.risk(restricted_cubic(cloglog(at), knots), horizon)
    except ValueError:
        # Too few distinct risks for a curve: a straight line.
        return cox(linear[:, None], stopped, happened).risk(cloglog(at)[:, None], horizon)


def grouped(time: Vector, event: Flags, risk: Vector, horizon: float, groups: int) -> tuple[CalibrationGroup, ...]:
    """Return observed and expected risk in ``groups`` groups of about equal size, by rising risk."""
    # By midrank, so that equal risks stay together.
    member = ((midranks(risk) - 0.5) / len(risk) * groups).astype(np.intp)
    return tuple(_group(time[m], event[m], risk[m], horizon) for g in range(groups) if (m := member == g).any())


def greenwood_nam_dagostino(
    time: Vector, event: Flags, risk: Vector, horizon: float, groups: int = 10
) -> Significance | None:
    """Test the calibration; neighbouring groups are joined until each has five events by the horizon."""
    order = np.argsort(risk, kind="stable")
    parts = _joined([part for part in np.array_split(order, groups) if len(part)], event & (time <= horizon))
    if len(parts) < 2:
        return None
    statistic = 0.0
    for rows in parts:
        curve = kaplan_meier(time[rows], event[rows])
        place = int(np.searchsorted(curve.times, horizon, side="right")) - 1
        gap = 1 - float(curve.survival[place]) - float(risk[rows].mean())
        statistic += gap**2 / float(curve.variance[place])
    df = len(parts) - 1
    return Significance("Greenwood-Nam-D'Agostino", statistic, df, float(chi2.sf(statistic, df)))


def _joined(parts: list[Labels], happened: Flags) -> list[Labels]:
    found: list[Labels] = []
    for part in parts:
        if found and happened[found[-1]].sum() < _FEWEST:
            found[-1] = np.concatenate([found[-1], part])
        else:
            found.append(part)
    if len(found) > 1 and happened[found[-1]].sum() < _FEWEST:
        found[-2:] = [np.concatenate(found[-2:])]
    return found


def _group(time: Vector, event: Flags, risk: Vector, horizon: float) -> CalibrationGroup:
    free = kaplan_meier(time, event).estimate(horizon)
    observed = Estimate(1 - free.value, (1 - free.interval[1], 1 - free.interval[0]), free.method)
    return CalibrationGroup(len(time), int((event & (time <= horizon)).sum()), float(risk.mean()), observed)


def _numbers(time: Vector, event: Flags, risk: Vector, horizon: float) -> Vector:
    observed = 1 - float(kaplan_meier(time, event).at(np.array([horizon]))[0])
    stopped, happened = np.minimum(time, horizon), event & (time <= horizon)
    linear = cloglog(risk)
    slope = float(cox(linear[:, None], stopped, happened).coefficients[0])
    distance = np.abs(smooth(time, event, risk, horizon, risk) - risk)
    e50, e90 = np.quantile(distance, [0.5, 0.9])
    return np.array([observed / risk.mean(), _shift(linear, observed), slope, distance.mean(), e50, e90])


def _shift(linear: Vector, observed: float) -> float:
    """Return the constant that, added to log(-log(1 - risk)), makes the mean risk the observed one."""
    if not 0 < observed < 1:
        return math.nan
    return float(brentq(lambda a: float(-np.expm1(-np.exp(linear + a)).mean()) - observed, -30.0, 30.0))
