"""A nomogram's axes in points, whatever they are drawn with, and what one patient's marks on them are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from shared.domain.prediction import HorizonRisk, Prediction
from shared.predictors.hazards.model import Hazards, Horizon, MeasuredRange, ModelInput
from shared.predictors.hazards.nomogram import Explanation, Scale, scale_of

TOTAL_STEP = 10.0
"""The axis of total points ends at a multiple of it."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One place on an axis."""

    at: float
    """Points: of the input on its axis, total points on the others."""
    label: str


@dataclass(frozen=True, slots=True)
class InputAxis:
    """The axis of one input: points per value."""

    name: str
    label: str
    unit: str
    """UCUM; empty for an input with levels."""
    seen: str
    """The range the model has seen, as text; empty for an input with levels."""
    ticks: tuple[Tick, ...]
    """Most important first: a drawing labels as many as it has room for."""
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class RiskAxis:
    """The axis of one horizon: risk per total points."""

    years: int
    ticks: tuple[Tick, ...]
    """Labels in percent, most important first; empty where the horizon is refused."""
    refused: str
    """Why there is no risk at this horizon; empty where there is."""
    horizon: Horizon


@dataclass(frozen=True, slots=True)
class Chart:
    """A nomogram."""

    inputs: tuple[InputAxis, ...]
    risks: tuple[RiskAxis, ...]
    total: float
    """Where the axis of total points ends."""
    scale: Scale

    def place(self, axis: RiskAxis, probability: float) -> float:
        """Return the total points of a risk, held within the axis: what lies beyond it ends at its end."""
        if probability <= 0.0:
            return 0.0
        if probability >= 1.0:
            return self.total
        return min(self.total, max(0.0, self.scale.total(axis.horizon, probability)))


@dataclass(frozen=True, slots=True)
class Marks:
    """One patient on the nomogram."""

    values: Mapping[str, str]
    """Input name -> the value as stated."""
    points: Mapping[str, float]
    horizons: tuple[HorizonRisk, ...]
    total: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", math.fsum(self.points.values()))


def marks_of(answer: Prediction | Explanation, values: Mapping[str, str] = MappingProxyType({})) -> Marks:
    """Return the marks of an answer; an explanation does not know the ``values`` as they were stated."""
    stated = {one.name: one.value for one in answer.inputs} if isinstance(answer, Prediction) else values
    return Marks(stated, {one.name: one.points for one in answer.points}, answer.horizons)


def chart_of(
    inputs: tuple[ModelInput, ...], hazards: Hazards, labels: Mapping[str, str] = MappingProxyType({})
) -> Chart:
    """Return the nomogram of a model; ``labels`` say how a clinician calls an input (else its name)."""
    scale = scale_of(inputs, hazards)
    reach = math.fsum(scale.most(one.name) for one in inputs)
    total = TOTAL_STEP * max(1, math.ceil(reach / TOTAL_STEP - 1e-9))
    axes = tuple(_input_axis(one, scale, labels.get(one.name, one.name)) for one in inputs)
    return Chart(axes, tuple(_risk_axis(one, scale, reach) for one in hazards.horizons), total, scale)


def _input_axis(one: ModelInput, scale: Scale, label: str) -> InputAxis:
    seen = one.range
    if seen is None:
        ticks = tuple(Tick(scale.points(one.name, level), level) for level in one.levels)
    else:
        ticks = tuple(Tick(scale.points(one.name, value), f"{value:.3g}") for value in _values(one.name, seen, scale))
    places = [tick.at for tick in ticks]
    unit, span = ("", "") if seen is None else (seen.unit, f"{seen.ends[0]:.3g} to {seen.high:.3g}")
    return InputAxis(one.name, label, unit, span, ticks, min(places), max(places))


def _values(name: str, seen: MeasuredRange, scale: Scale) -> Iterator[float]:
    """Yield the ends of the range, then round numbers between them, rounder ones first."""
    low, high = seen.ends
    yield low
    yield high
    logarithmic = any(one.transform == "log1p" for one in scale.hazards.of_input(name))
    yield from (value for value in (_decades(low, high) if logarithmic else _steps(low, high)) if low < value < high)


def _decades(low: float, high: float) -> Iterator[float]:
    first, last = math.floor(math.log10(max(low, 1e-3))), math.ceil(math.log10(max(high, 1e-2)))
    for digits in ((1.0,), (5.0, 2.0), (3.0,), (1.5, 4.0, 7.0), (6.0, 8.0, 9.0, 2.5)):
        for power in range(last, first - 1, -1):
            yield from (float(f"{digit}e{power}") for digit in digits)


def _steps(low: float, high: float) -> Iterator[float]:
    power = 10.0 ** math.floor(math.log10(high - low))
    for step in (power, power / 2, power / 5, power / 10):
        first = math.ceil(low / step)
        yield from (round(index * step, 12) for index in range(first, math.floor(high / step) + 1))


_RISKS = (
    0.5, 0.1, 0.9, 0.01, 0.999, 0.2, 0.05, 0.95, 0.3, 0.7, 0.02, 0.4, 0.6, 0.8, 0.99, 0.001, 0.15, 0.25, 0.03, 0.07,
    0.35, 0.45, 0.005, 0.002, 0.04, 0.06, 0.08, 0.98, 0.97,
)  # fmt: skip
"""Round risks, the ones most often looked for first."""


def _risk_axis(horizon: Horizon, scale: Scale, reach: float) -> RiskAxis:
    if not horizon.baseline_cumulative_hazard or not scale.per_point:
        return RiskAxis(horizon.years, (), horizon.refused or "every risk is the same", horizon)
    places = ((scale.total(horizon, one), one) for one in _RISKS)
    ticks = [Tick(at, f"{100 * one:g}") for at, one in places if 0.0 <= at <= reach]
    ends = [Tick(at, _percent(scale.risk(horizon, at))) for at in (0.0, reach)]
    return RiskAxis(horizon.years, (*ticks, *ends), "", horizon)


def _percent(risk: float) -> str:
    """Return the label of an end of an axis, none where it would round to 100 %."""
    if risk >= 0.9995:
        return ""
    return f"{100 * risk:.2g}" if risk < 0.1 else f"{100 * risk:.3g}"
