"""What a bundle says about its inputs and its Cox model, as values that predictors and pictures understand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from shared.domain.errors import InvalidInputError

Transform = Literal["identity", "log1p", "indicator"]


@dataclass(frozen=True, slots=True)
class MeasuredRange:
    """What of a measured input the model has seen."""

    unit: str
    """UCUM."""
    low: float
    high: float
    """Smallest and largest value among the training patients, in ``unit``."""
    detection_limit: float | None = None
    """Values below it were counted as half of it in training, and are here; None where none was below."""

    @property
    def ends(self) -> tuple[float, float]:
        """Return the smallest and the largest number the model can be asked about."""
        low = self.low if self.detection_limit is None else min(self.low, self.detection_limit / 2)
        return low, self.high


@dataclass(frozen=True, slots=True)
class ModelInput:
    """One input a clinician would recognise: with levels, or measured within a range."""

    name: str
    meaning: str
    levels: tuple[str, ...] = ()
    range: MeasuredRange | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the model."""

    feature: str
    input: str
    """The input it is made from."""
    transform: Transform
    """The value, ln(1 + value), or 1 where the input has the level ``level``."""
    level: str
    log_hazard_ratio: float
    centre: float
    """Mean among the training patients, subtracted before the coefficient applies."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """One time the model was asked to answer for."""

    years: int
    baseline_cumulative_hazard: float | None
    """At the centre of every column; None where this horizon is refused."""
    covariance: tuple[tuple[float, ...], ...]
    """Of (ln of the baseline cumulative hazard, every coefficient); empty: no interval."""
    at_risk: int
    """Training patients still followed at this time."""
    refused: str
    """Why there is no probability here; empty where there is."""


@dataclass(frozen=True, slots=True)
class Hazards:
    """risk(t) = 1 - exp(-H0(t) exp(sum of log hazard ratio * (column - centre)))."""

    columns: tuple[Column, ...]
    horizons: tuple[Horizon, ...]
    """Nearest first; those that are given have the graph's outputs 0, 1, ... in order."""

    @property
    def given(self) -> tuple[Horizon, ...]:
        """Return the horizons that are not refused, nearest first: one per output of the graph."""
        return tuple(one for one in self.horizons if one.baseline_cumulative_hazard is not None)

    def of_input(self, name: str) -> tuple[Column, ...]:
        """Return the columns made from the input ``name``."""
        return tuple(one for one in self.columns if one.input == name)


def input_named(inputs: tuple[ModelInput, ...], name: str) -> ModelInput:
    """Return the input of this name.

    Raises:
        InvalidInputError: If the model has none; names those it has.
    """
    found = next((one for one in inputs if one.name == name), None)
    if found is None:
        known = ", ".join(one.name for one in inputs)
        raise InvalidInputError(name, f"is not an input of this model; its inputs are {known}")
    return found


Values = Mapping[str, str | float]
"""Input name -> level, or the number in the input's unit that enters the model."""
