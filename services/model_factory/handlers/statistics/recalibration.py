"""Local update of a fixed model: in the large, slope, flexible.

Steyerberg et al., Stat Med 2004;23:2567-2586; Van Calster et al., BMC Med 2019;17:230 for the numbers a flexible curve
needs. The model's own answer enters as log odds (yes or no) or as log(-log(1 - risk)) at a horizon (time to event).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from services.model_factory.handlers.statistics.arrays import Flags, Vector
from services.model_factory.handlers.statistics.cox import CoxFit, cox
from services.model_factory.handlers.statistics.horizon_calibration import cloglog
from services.model_factory.handlers.statistics.logistic import LogisticFit, logistic
from services.model_factory.handlers.statistics.splines import knots_of, restricted_cubic

Method = Literal["in_the_large", "slope", "flexible"]
MINIMUM_EVENTS: dict[Method, int] = {"in_the_large": 20, "slope": 40, "flexible": 200}
"""Twenty per coefficient (Austin & Steyerberg, Stat Methods Med Res 2017;26:796-808), 200 for a curve (Van Calster
2019). Non-events count as much as events do: the smaller number decides."""


class TooFewEventsError(ValueError):
    """The cohort is too small for this kind of update."""

    def __init__(self, method: Method, events: int, others: int) -> None:
        super().__init__(method, events, others)
        self.method, self.events, self.others = method, events, others

    def __str__(self) -> str:
        return (
            f"an update '{self.method.replace('_', ' ')}' needs {MINIMUM_EVENTS[self.method]} events and as many "
            f"without; there are {self.events} and {self.others}"
        )


@dataclass(frozen=True, slots=True)
class LogisticUpdate:
    """New log odds = intercept + coefficients . basis(old log odds)."""

    method: Method
    intercept: float
    coefficients: Vector
    """(1,) for the first two methods: 1 in the large, the slope otherwise."""
    knots: Vector | None
    covariance: Vector
    """Of what was estimated: intercept, then coefficients that are not fixed."""

    def probability(self, old: Vector) -> Vector:
        """Return the updated probability for the model's ``old`` one."""
        odds = self.intercept + _basis(_log_odds(old), self.knots) @ self.coefficients
        found: Vector = 1.0 / (1.0 + np.exp(-odds))
        return found


@dataclass(frozen=True, slots=True)
class SurvivalUpdate:
    """New risk at t = 1 - exp(-H0(t) exp(coefficients . basis(linear predictor)))."""

    method: Method
    coefficients: Vector
    knots: Vector | None
    fit: CoxFit

    def risk(self, linear: Vector, horizon: float) -> Vector:
        """Return the updated risk at ``horizon`` (years) for the model's linear predictor."""
        found: Vector = -np.expm1(-self.fit.hazard_at(horizon) * np.exp(_basis(linear, self.knots) @ self.coefficients))
        return found


def update_logistic(event: Flags, probability: Vector, method: Method) -> LogisticUpdate:
    """Update a model that answers yes or no with a probability.

    Raises:
        TooFewEventsError: If there are fewer events, or non-events, than the method needs.
    """
    _enough(method, int(event.sum()), int((~event).sum()))
    odds = _log_odds(probability)
    if method == "in_the_large":
        shift = logistic(np.empty((len(odds), 0)), event, offset=odds)
        return LogisticUpdate(method, float(shift.coefficients[0]), np.ones(1), None, shift.covariance)
    knots = knots_of(odds, 4) if method == "flexible" else None
    fit: LogisticFit = logistic(_basis(odds, knots), event)
    return LogisticUpdate(method, float(fit.coefficients[0]), fit.coefficients[1:], knots, fit.covariance)


def update_survival(time: Vector, event: Flags, linear: Vector, method: Method) -> SurvivalUpdate:
    """Update a Cox model by its linear predictor; the baseline is always the cohort's own.

    Raises:
        TooFewEventsError: If there are fewer events, or patients without, than the method needs.
    """
    _enough(method, int(event.sum()), int((~event).sum()))
    if method == "in_the_large":
        fit = cox(np.empty((len(linear), 0)), time, event, offset=linear)
        return SurvivalUpdate(method, np.ones(1), None, fit)
    knots = knots_of(linear, 4) if method == "flexible" else None
    fit = cox(_basis(linear, knots), time, event)
    return SurvivalUpdate(method, fit.coefficients, knots, fit)


def linear_of_risk(risk: Vector) -> Vector:
    """Return the linear predictor (up to a constant) behind risks at one horizon of a proportional-hazards model."""
    return cloglog(risk)


def _basis(linear: Vector, knots: Vector | None) -> Vector:
    return linear[:, None] if knots is None else restricted_cubic(linear, knots)


def _log_odds(probability: Vector) -> Vector:
    if not (probability.min() > 0 and probability.max() < 1):
        raise ValueError("a probability of 0 or 1 has no log odds")
    found: Vector = np.log(probability) - np.log1p(-probability)
    return found


def _enough(method: Method, events: int, others: int) -> None:
    if min(events, others) < MINIMUM_EVENTS[method]:
        raise TooFewEventsError(method, events, others)
