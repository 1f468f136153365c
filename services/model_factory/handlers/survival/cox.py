"""Cox's proportional hazards model (Efron's ties, by lifelines) with the covariance its intervals need."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np

from services.model_factory.handlers.cohort.design import Design, DesignColumn
from services.model_factory.handlers.cohort.preparing import Prepared
from services.model_factory.handlers.cohort.typed import Flags, Numbers
from services.model_factory.handlers.folds.fold import Rows, Seen, TrainingRows, learning_from
from shared.domain.errors import InvalidInputError

RIDGE = 0.01
"""Penalty where the likelihood has no maximum: a level in which nobody, or everybody, had the event."""


@dataclass(frozen=True, slots=True)
class CoxModel:
    """risk(t) = 1 - exp(-H0(t) exp(x - centre) b)); without columns everybody has the same risk."""

    columns: tuple[DesignColumn, ...]
    coefficients: Numbers
    covariance: Numbers
    """Of the coefficients."""
    centre: Numbers
    x: Numbers
    """Centred columns of the training rows; with ``years`` and ``events`` the baseline hazard is made from them."""
    years: Numbers
    events: Flags
    penalised: bool
    prepared: Prepared
    seen: Seen

    def linear(self, rows: Rows) -> Numbers:
        """Return the centred linear predictor of ``rows``.

        Raises:
            LeakError: If the model was learned from patients it must not have seen for ``rows``.
        """
        self.seen.allow(rows)
        names = {column.name: place for place, column in enumerate(self.prepared.columns)}
        x = self.prepared.design(rows).x[:, [names[column.name] for column in self.columns]]
        return np.asarray((x - self.centre) @ self.coefficients, dtype=np.float64)

    def risk(self, rows: Rows, years: float) -> Numbers:
        """Return the probability of the event within ``years``."""
        return np.asarray(-np.expm1(-self.hazard(years) * np.exp(self.linear(rows))), dtype=np.float64)

    def hazards(self, times: Numbers) -> Numbers:
        """Return the baseline cumulative hazard at each of ``times`` (years)."""
        return np.array([self.hazard(float(time)) for time in times], dtype=np.float64)

    def hazard(self, years: float) -> float:
        """Return the baseline cumulative hazard at the centre (Breslow's estimate)."""
        steps, _, _ = self._steps(years)
        return float(steps.sum())

    def hazard_covariance(self, years: float) -> Numbers:
        """Return the covariance of (ln H0(years), coefficients), (1 + columns, 1 + columns).

        Tsiatis' variance of the cumulative hazard (Ann Stat 1981;9:93-108), delta method for the logarithm.
        """
        steps, weights, means = self._steps(years)
        hazard = float(steps.sum())
        slope = means.T @ steps / hazard  # minus the derivative of ln H0 by the coefficients
        own = float((steps / weights).sum()) / hazard**2
        whole = np.empty((1 + len(self.coefficients),) * 2)
        whole[0, 0] = own + slope @ self.covariance @ slope
        whole[0, 1:] = whole[1:, 0] = -self.covariance @ slope
        whole[1:, 1:] = self.covariance
        return whole

    def _steps(self, years: float) -> tuple[Numbers, Numbers, Numbers]:
        """Return per event time up to ``years``: d / S0, S0, and the weighted mean of the columns."""
        order = np.argsort(-self.years, kind="stable")
        weight = np.exp(self.x @ self.coefficients)[order]
        sums = np.cumsum(weight)
        columns = np.cumsum(self.x[order] * weight[:, None], axis=0)
        times, counts = np.unique(self.years[self.events & (self.years <= years)], return_counts=True)
        last = np.searchsorted(-self.years[order], -times, side="right") - 1
        at_risk = sums[last]
        return counts / at_risk, at_risk, columns[last] / at_risk[:, None]


def risks(linear: Numbers, hazards: Numbers) -> Numbers:
    """Return the probability of the event, (patients, times), from linear predictors and baseline hazards."""
    return np.asarray(-np.expm1(-np.outer(np.exp(linear), hazards)), dtype=np.float64)


def fit_cox(rows: TrainingRows, prepared: Prepared, candidates: tuple[str, ...]) -> CoxModel:
    """Fit on the training rows of a fold; columns that are constant there are left out.

    Raises:
        LeakError: If ``rows`` are not training rows, or ``prepared`` has seen other patients.
        InvalidInputError: If nobody had the event.
    """
    seen = learning_from(rows)
    if not rows.events.any():
        raise InvalidInputError("cohort", "nobody among the training patients had the event")
    design = prepared.design(rows).of(candidates)
    design = design.varying() if design.columns else design
    coefficients, covariance, penalised = _fit(design, rows.years, rows.events)
    centre = design.x.mean(axis=0)
    return CoxModel(
        design.columns, coefficients, covariance, centre, design.x - centre, rows.years, rows.events, penalised,
        prepared, seen,
    )  # fmt: skip


def _fit(design: Design, years: Numbers, events: Flags) -> tuple[Numbers, Numbers, bool]:
    if not design.columns:
        return np.zeros(0), np.zeros((0, 0)), False
    from lifelines.exceptions import ConvergenceError

    try:
        fitted = _lifelines(design, years, events, 0.0)
        if np.isfinite(fitted[1]).all() and (np.diag(fitted[1]) * design.x.var(axis=0) < _RUNAWAY).all():
            return (*fitted, False)
    except (ConvergenceError, np.linalg.LinAlgError):
        pass
    return (*_lifelines(design, years, events, RIDGE), True)


_RUNAWAY = 100.0
"""Variance of a coefficient per standard deviation of its column from which it has no finite estimate."""


def _lifelines(design: Design, years: Numbers, events: Flags, ridge: float) -> tuple[Numbers, Numbers]:
    import pandas as pd
    from lifelines import CoxPHFitter
    from lifelines.exceptions import ConvergenceWarning

    names = [f"x{place}" for place in range(len(design.columns))]
    table = pd.DataFrame(design.x, columns=names).assign(years=years, event=events)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # judged by the covariance below
        warnings.simplefilter("ignore", RuntimeWarning)
        model = CoxPHFitter(penalizer=ridge).fit(table, "years", "event")
    return np.asarray(model.params_[names], dtype=np.float64), np.asarray(model.variance_matrix_, dtype=np.float64)


def schoenfeld(model: CoxModel) -> tuple[float, ...]:
    """Return per column the p value of the test of proportional hazards, time by its rank.

    Grambsch & Therneau, Biometrika 1994;81:515-526, one degree of freedom each, on the scaled residuals.
    """
    order = np.argsort(model.years, kind="stable")
    years, events, x = model.years[order], model.events[order], model.x[order]
    weight = np.exp(x @ model.coefficients)
    first = np.searchsorted(years, years[events], side="left")
    below = np.cumsum(weight[::-1])[::-1][first]
    means = np.cumsum((x * weight[:, None])[::-1], axis=0)[::-1][first] / below[:, None]
    residuals = x[events] - means
    ranks = np.searchsorted(np.unique(years[events]), years[events]) + 1.0
    ranks = ranks - ranks.mean()
    scaled = len(residuals) * residuals @ model.covariance
    spread = np.diag(model.covariance) * len(residuals) * float(ranks @ ranks)
    statistic = (ranks @ scaled) ** 2 / np.where(spread > 0, spread, np.inf)
    return tuple(float(math.erfc(math.sqrt(value / 2.0))) for value in statistic)
