"""The nomogram's arithmetic: points per value, total points, risks, and the axes a person reads them from.

Points: an input's effect (its log hazard ratio above the lowest in the range the model has seen), scaled so that the
largest effect of any input is 100. Total points are a straight line in the log of the hazard, so every risk axis is the
model itself; only reading it from paper rounds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from shared.domain.prediction import HorizonRisk, InputPoints
from shared.predictors.hazards.columns import column_value, columns
from shared.predictors.hazards.model import Hazards, Horizon, ModelInput, Values
from shared.predictors.hazards.risks import interval, ratio_of, risk, risk_of

MOST_POINTS = 100.0
"""Of the input with the largest effect."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From effects to points, and from total points to risks."""

    hazards: Hazards
    lowest: Mapping[str, float]
    """Input name -> its lowest effect: 0 points."""
    highest: Mapping[str, float]
    """Input name -> its highest effect."""
    per_point: float
    """Log hazard ratio of one point; 0 where no input has any effect."""
    origin: float
    """Relative log hazard at 0 total points."""

    def points(self, name: str, value: str | float) -> float:
        """Return the points of one value, from 0 to 100 within the range the model has seen.

        Raises:
            InvalidInputError: If ``value`` is text where a number is needed.
        """
        if not self.per_point:
            return 0.0
        return (_effect(self.hazards, name, value) - self.lowest[name]) / self.per_point

    def most(self, name: str) -> float:
        """Return the most points this input can give."""
        return (self.highest[name] - self.lowest[name]) / self.per_point if self.per_point else 0.0

    def risk(self, horizon: Horizon, total: float) -> float:
        """Return the risk at these total points.

        Raises:
            ValueError: If the horizon is refused.
        """
        if horizon.baseline_cumulative_hazard is None:
            raise ValueError(f"the horizon of {horizon.years} years is refused")
        return risk_of(horizon.baseline_cumulative_hazard * ratio_of(self.origin + total * self.per_point))

    def total(self, horizon: Horizon, probability: float) -> float:
        """Return the total points that give this risk (strictly between 0 and 1): the inverse of ``risk``.

        Raises:
            ValueError: If the horizon is refused, or no points change any risk.
        """
        if not horizon.baseline_cumulative_hazard or not self.per_point:
            raise ValueError(f"no points give a risk at {horizon.years} years")
        log_ratio = math.log(-math.log1p(-probability) / horizon.baseline_cumulative_hazard)
        return (log_ratio - self.origin) / self.per_point


def scale_of(inputs: tuple[ModelInput, ...], hazards: Hazards) -> Scale:
    """Return the scale of a model; effects are taken over every level, or over the range the model has seen."""
    effects = {one.name: [_effect(hazards, one.name, value) for value in _extremes(one)] for one in inputs}
    lowest = {name: min(found) for name, found in effects.items()}
    highest = {name: max(found) for name, found in effects.items()}
    widest = max(highest[name] - lowest[name] for name in effects)
    centre = math.fsum(one.log_hazard_ratio * one.centre for one in hazards.columns)
    return Scale(hazards, lowest, highest, widest / MOST_POINTS, math.fsum(lowest.values()) - centre)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the nomogram says about one row of values."""

    points: tuple[InputPoints, ...]
    """One per input, in the bundle's order."""
    total: float
    """Sum of the points."""
    horizons: tuple[HorizonRisk, ...]
    """Every horizon, refused ones too, nearest first."""


def explain(inputs: tuple[ModelInput, ...], hazards: Hazards, values: Values) -> Explanation:
    """Return points, total, risks and intervals from the printed numbers of a model.

    Raises:
        InvalidInputError: If a value is missing, or is text where a number is needed.
    """
    features = columns(hazards, values)
    scale = scale_of(inputs, hazards)
    points = tuple(InputPoints(one.name, scale.points(one.name, values[one.name])) for one in inputs)
    horizons = tuple(_horizon_risk(hazards, one, features) for one in hazards.horizons)
    return Explanation(points, math.fsum(one.points for one in points), horizons)


def _horizon_risk(hazards: Hazards, horizon: Horizon, features: Mapping[str, float]) -> HorizonRisk:
    if horizon.refused:
        return HorizonRisk(horizon.years, None, None, horizon.refused)
    return HorizonRisk(horizon.years, risk(hazards, horizon, features), interval(hazards, horizon, features))


def _effect(hazards: Hazards, name: str, value: str | float) -> float:
    row = {name: value}
    return math.fsum(one.log_hazard_ratio * column_value(one, row) for one in hazards.of_input(name))


def _extremes(one: ModelInput) -> tuple[str | float, ...]:
    """Return the values among which the lowest and highest effect lie: a measured input has one monotone column."""
    return one.levels if one.range is None else one.range.ends
