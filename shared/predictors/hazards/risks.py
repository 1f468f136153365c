"""Risks and their intervals from a Cox model's own numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping

from shared.predictors.hazards.model import Hazards, Horizon

Z_95 = 1.959963984540054
"""Normal quantile of .975."""


def relative_log_hazard(hazards: Hazards, features: Mapping[str, float]) -> float:
    """Return the sum of log hazard ratio * (column - centre): 0 for a patient at the centre of every column."""
    return math.fsum(one.log_hazard_ratio * (features[one.feature] - one.centre) for one in hazards.columns)


def ratio_of(log_ratio: float) -> float:
    """Return exp of a log hazard ratio, held where a double does not overflow (the risk is 1 long before)."""
    return math.exp(min(log_ratio, 700.0))


def risk_of(cumulative_hazard: float) -> float:
    """Return 1 - exp(-H), exact for small H."""
    return -math.expm1(-cumulative_hazard)


def risk(hazards: Hazards, horizon: Horizon, features: Mapping[str, float]) -> float:
    """Return the probability that the event happens within ``horizon.years``.

    Raises:
        ValueError: If the horizon is refused.
    """
    if horizon.baseline_cumulative_hazard is None:
        raise ValueError(f"the horizon of {horizon.years} years is refused")
    return risk_of(horizon.baseline_cumulative_hazard * ratio_of(relative_log_hazard(hazards, features)))


def interval(hazards: Hazards, horizon: Horizon, features: Mapping[str, float]) -> tuple[float, float] | None:
    """Return the 95 % interval of the risk; None where the bundle states no covariance.

    Normal on the complementary log-log scale, ln(-ln(1 - risk)) = ln H0 + sum of ratio * (column - centre), whose
    gradient by (ln H0, coefficients) is (1, column - centre): the interval stays within [0, 1].

    Raises:
        ValueError: If the horizon is refused.
    """
    if horizon.baseline_cumulative_hazard is None:
        raise ValueError(f"the horizon of {horizon.years} years is refused")
    if not horizon.covariance or horizon.baseline_cumulative_hazard == 0:
        return None
    gradient = [1.0, *(features[one.feature] - one.centre for one in hazards.columns)]
    spread = Z_95 * math.sqrt(max(0.0, _quadratic(gradient, horizon.covariance)))
    middle = math.log(horizon.baseline_cumulative_hazard) + relative_log_hazard(hazards, features)
    return risk_of(ratio_of(middle - spread)), risk_of(ratio_of(middle + spread))


def _quadratic(vector: list[float], matrix: tuple[tuple[float, ...], ...]) -> float:
    return math.fsum(
        a * b * cell for a, row in zip(vector, matrix, strict=True) for b, cell in zip(vector, row, strict=True)
    )
