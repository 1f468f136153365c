"""Calibration of a fixed model on new patients (Van Calster et al., BMC Med 2019;17:230: mean and weak levels).

A flexible curve needs some 200 events and as many non-events (same source); smaller cohorts get mean and weak
calibration only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from services.model_factory.handlers.statistics.arrays import Flags, Vector
from services.model_factory.handlers.statistics.estimates import Estimate
from services.model_factory.handlers.statistics.logistic import LogisticFit, logistic

_Z = NormalDist().inv_cdf(0.975)
_WALD = "logistic recalibration, Wald, 95 %"
_LOG_RATIO = "log ratio, 95 %"


@dataclass(frozen=True, slots=True)
class Calibration:
    """How predicted and observed frequencies agree; perfect: ratio 1, in the large 0, slope 1, intercept 0."""

    observed: float
    """Share of events."""
    expected: float
    """Mean probability."""
    ratio: Estimate
    """Observed to expected."""
    in_the_large: Estimate
    """Intercept with the model's log odds as offset."""
    slope: Estimate
    intercept: Estimate
    """Intercept of the fit that also gives the slope."""
    brier: float
    """Mean squared error of the probability."""
    brier_of_prevalence: float
    """The same for a model that always says the share of events."""


def calibration(event: Flags, probability: Vector) -> Calibration:
    """Measure calibration on ``n`` patients.

    Raises:
        ValueError: If all patients or none had the event, a probability is 0 or 1, or all are the same.
    """
    y = event.astype(np.float64)
    if not 0 < y.mean() < 1 or not (probability.min() > 0 and probability.max() < 1):
        raise ValueError("calibration needs events, non-events, and probabilities strictly between 0 and 1")
    log_odds = np.log(probability) - np.log1p(-probability)
    intercept, slope = _wald(logistic(log_odds[:, None], event))
    (in_the_large,) = _wald(logistic(np.empty((len(y), 0)), event, offset=log_odds))
    observed, expected = float(y.mean()), float(probability.mean())
    return Calibration(
        observed,
        expected,
        _ratio(y, expected),
        in_the_large,
        slope,
        intercept,
        float(np.mean((probability - y) ** 2)),
        observed * (1 - observed),
    )


def _ratio(y: Vector, expected: float) -> Estimate:
    """Observed to expected; variance of the log as in Debray et al., BMJ 2017;356:i6460."""
    value = float(y.mean()) / expected
    half = _Z * math.sqrt((1 - float(y.mean())) / float(y.sum()))
    return Estimate(value, (value * math.exp(-half), value * math.exp(half)), _LOG_RATIO)


def _wald(fit: LogisticFit) -> tuple[Estimate, ...]:
    errors = _Z * np.sqrt(np.diag(fit.covariance))
    values = zip(fit.coefficients, errors, strict=True)
    return tuple(Estimate(float(b), (float(b - e), float(b + e)), _WALD) for b, e in values)
