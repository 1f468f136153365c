"""What a Cox bundle says of the patients of a cohort, through the same gate as in use: nothing is extrapolated."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from services.model_factory.handlers.cohort.typed import Categorical, Flags, Measured, Numbers, TypedCohort
from services.model_factory.handlers.cohorts import FlowStep
from shared.domain.errors import InvalidInputError
from shared.predictors.hazards.columns import columns
from shared.predictors.hazards.model import Hazards, ModelInput
from shared.predictors.hazards.risks import relative_log_hazard
from shared.predictors.hazards.values import Problem, ValueRefusedError, model_values

_REASONS = {
    Problem.UNREADABLE: "an input of the model is missing",
    Problem.CENSORED: "a value is given only as a limit the model does not know",
    Problem.OUT_OF_RANGE: "a value lies outside the range the model has seen",
}


@dataclass(frozen=True, slots=True)
class Scored:
    """The patients the model answers for."""

    years: Numbers
    events: Flags
    linear: Numbers
    """Sum of log hazard ratio * (column - centre): 0 at the centre of every column."""
    flow: tuple[FlowStep, ...]
    """The cohort's own exclusions, then those the model does not answer for."""


def score(cohort: TypedCohort, event: str, inputs: tuple[ModelInput, ...], hazards: Hazards) -> Scored:
    """Score every patient of ``cohort`` whom the model answers for.

    Raises:
        InvalidInputError: If the cohort records another event, lacks an input, has it in another unit, or nobody is
            left.
    """
    if cohort.event != event:
        raise InvalidInputError("cohort", f"records {cohort.event}, not {event}")
    for one in inputs:
        _refuse_unfit(cohort, one)
    kept: list[int] = []
    linear: list[float] = []
    left: Counter[Problem] = Counter()
    for place in range(cohort.n):
        try:
            values = model_values(inputs, {one.name: _text(cohort, one.name, place) for one in inputs})
        except ValueRefusedError as error:
            left[error.problem] += 1
            continue
        kept.append(place)
        linear.append(relative_log_hazard(hazards, columns(hazards, values)))
    if not kept:
        raise InvalidInputError("cohort", "the model answers for none of its patients")
    rows = np.array(kept)
    return Scored(cohort.years[rows], cohort.events[rows], np.array(linear), _flow(cohort, left))


def _refuse_unfit(cohort: TypedCohort, one: ModelInput) -> None:
    try:
        column = cohort.column(one.name)
    except KeyError as error:
        raise InvalidInputError("cohort", f"declares no column {one.name}, an input of the model") from error
    if isinstance(column, Measured) != (one.range is not None):
        raise InvalidInputError(one.name, "is measured in one of model and cohort, and has levels in the other")
    if one.range and isinstance(column, Measured) and column.unit != one.range.unit:
        raise InvalidInputError(one.name, f"is in {column.unit} in the cohort; the model takes {one.range.unit}")


def _text(cohort: TypedCohort, name: str, place: int) -> str:
    """Return a value as a laboratory would state it; empty where it is missing."""
    column = cohort.column(name)
    if isinstance(column, Categorical):
        level = int(cohort.categorical[name][place])
        return "" if level < 0 or column.levels[level] == column.unknown else column.levels[level]
    value = float(cohort.measured[name][place])
    if np.isneginf(value):
        return f"<{column.detection_limit!r}"
    return "" if np.isnan(value) else repr(value)


def _flow(cohort: TypedCohort, left: Counter[Problem]) -> tuple[FlowStep, ...]:
    steps = [FlowStep(box.label, box.excluded, box.remaining) for box in cohort.flow]
    remaining = cohort.n
    for problem, reason in _REASONS.items():
        remaining -= left[problem]
        steps.append(FlowStep(reason, left[problem], remaining))
    return tuple(steps)
