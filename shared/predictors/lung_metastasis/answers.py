"""From values to a typed answer: one risk per horizon, points, flags, and the risk under other readings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.domain.errors import InvalidInputError
from shared.domain.prediction import (
    Alternative,
    Flag,
    HorizonRisk,
    IntendedUse,
    NotAnalysed,
    NotAnalysedReason,
    Prediction,
    UsedInput,
)
from shared.predictors.hazards.columns import columns
from shared.predictors.hazards.model import Hazards, ModelInput, Values, input_named
from shared.predictors.hazards.nomogram import Explanation, explain
from shared.predictors.hazards.values import Problem, ValueRefusedError, below_limit, model_value
from shared.predictors.lung_metastasis.panel import (
    ANALYTES,
    ENDOCRINE,
    ENDOCRINE_LEVELS,
    INPUTS,
    LABELS,
    NAME,
    POSITIVE_CLASS,
    VARIANT,
)
from shared.predictors.models import HazardsModel, Model

_DEMONSTRATION = Flag("demonstration", "Demonstration: made from simulated patients; not for clinical decisions.")
_RESEARCH = Flag("research", "For research only; not for clinical decisions.")
_SAMPLING_TIME = Flag(
    "sampling_time",
    "The paper does not state when the blood was drawn relative to diagnosis, therapy and metastasis. It counts the "
    "years from diagnosis; here they are counted from the draw.",
)
_ENDOCRINE = Flag(
    "endocrine_or_luminal",
    "The paper's column of endocrine therapy equals luminal status in every cell; which one entered its nomogram is "
    "unknown. Receipt is used; the probability under luminal status, where known, is given beside it.",
)
_NO_INTERVAL = Flag("no_interval", "No interval: the model states no covariance of its coefficients.")
_BY_USE = {IntendedUse.DEMONSTRATION: (_DEMONSTRATION,), IntendedUse.RESEARCH: (_RESEARCH,), IntendedUse.CLINICAL: ()}


@dataclass(frozen=True, slots=True)
class Served:
    """A bundle that is a nomogram of these five inputs."""

    model: Model
    inputs: tuple[ModelInput, ...]
    hazards: Hazards


def served(model: Model) -> Served:
    """Return the model as a nomogram.

    Raises:
        InvalidInputError: If it scores another event, is no Cox model, or has other inputs or units.
    """
    if model.outcome.positive_class != POSITIVE_CLASS:
        raise InvalidInputError("bundle", f"scores {model.outcome.positive_class}, {NAME} needs {POSITIVE_CLASS}")
    if not isinstance(model, HazardsModel) or model.hazards is None:
        raise InvalidInputError("bundle", f"holds no Cox model, and {NAME} needs one")
    if {one.name for one in model.inputs} != set(INPUTS):
        raise InvalidInputError("bundle", f"does not have exactly the inputs {', '.join(INPUTS)}")
    for name, analyte in ANALYTES.items():
        seen = input_named(model.inputs, name).range
        if seen is None or seen.unit != analyte.unit:
            raise InvalidInputError("bundle", f"does not take {name} in {analyte.unit}")
    if set(input_named(model.inputs, ENDOCRINE).levels) != set(ENDOCRINE_LEVELS):
        raise InvalidInputError("bundle", f"does not take {ENDOCRINE} as yes or no")
    return Served(model, model.inputs, model.hazards)


def values_of(model: Served, stated: Mapping[str, str]) -> dict[str, str | float] | NotAnalysed:
    """Return what enters the model, or why nothing does; every value outside the range is named."""
    values: dict[str, str | float] = {}
    problems: dict[Problem, list[str]] = {}
    for one in model.inputs:
        try:
            values[one.name] = model_value(one, stated.get(one.name, ""))
        except ValueRefusedError as error:
            problems.setdefault(error.problem, []).append(f"{LABELS[one.name]} {error.reason}{_cut(error)}")
    outside = problems.pop(Problem.OUT_OF_RANGE, [])
    wrong = [text for texts in problems.values() for text in texts]
    if wrong:
        return NotAnalysed(NAME, NotAnalysedReason.UNUSABLE_INPUT, "; ".join(wrong))
    if outside:
        return NotAnalysed(NAME, NotAnalysedReason.OUT_OF_DISTRIBUTION, "; ".join(outside))
    if not model.hazards.given:
        why = "; ".join(f"{one.years} years: {one.refused}" for one in model.hazards.horizons)
        return NotAnalysed(NAME, NotAnalysedReason.HORIZON_NOT_SUPPORTED, why)
    return values


def _cut(error: ValueRefusedError) -> str:
    if error.problem is not Problem.OUT_OF_RANGE:
        return ""
    analyte = ANALYTES[error.element]
    return f"; the paper's own cut is {analyte.paper_cut} {analyte.unit}, which is no limit of this model"


def predict(
    model: Served,
    values: Values,
    others: tuple[tuple[str, str], ...],
    inputs: tuple[UsedInput, ...],
    notes: tuple[str, ...],
) -> Prediction:
    """Return the answer for values that entered; ``others`` are level and label of other readings of the therapy."""
    found = explain(model.inputs, model.hazards, values)
    horizons = _by_graph(model, found, values)
    probability, interval = next((one.probability, one.interval) for one in horizons if one.probability is not None)
    return Prediction(
        predictor=NAME,
        variant=VARIANT,
        bundle=model.model.reference,
        outcome=model.model.outcome,
        probability=probability,
        inputs=inputs,
        flags=_flags(model, horizons, (*_below_limit(model, inputs), *notes)),
        alternatives=tuple(_alternative(model, values, level, label) for level, label in others),
        interval=interval,
        runtime=model.model.runtime,
        precision=model.model.precision,
        horizons=horizons,
        points=found.points,
    )


def _by_graph(model: Served, found: Explanation, values: Values) -> tuple[HorizonRisk, ...]:
    """Return the risks as the graph gives them; the printed numbers give the intervals."""
    outputs = iter(model.model.scores(columns(model.hazards, values)))
    return tuple(
        one if one.probability is None else HorizonRisk(one.years, next(outputs), one.interval)
        for one in found.horizons
    )


def _alternative(model: Served, values: Values, level: str, label: str) -> Alternative:
    return Alternative(label, model.model.score(columns(model.hazards, {**values, ENDOCRINE: level})))


def _below_limit(model: Served, inputs: tuple[UsedInput, ...]) -> tuple[str, ...]:
    """Say which values were counted as half of the limit of detection, as in training."""
    stated = {used.name: used.value for used in inputs}
    return tuple(_counted_as_half(one, stated[one.name]) for one in model.inputs if below_limit(one, stated[one.name]))


def _counted_as_half(contract: ModelInput, text: str) -> str:
    seen = contract.range
    if seen is None or seen.detection_limit is None:
        return ""
    return (
        f"{LABELS[contract.name]} ({text} {seen.unit}) is below the limit of detection of {seen.detection_limit:g} "
        f"{seen.unit} and counted as half of it, {seen.detection_limit / 2:g} {seen.unit}, as in training"
    )


def _flags(model: Served, horizons: tuple[HorizonRisk, ...], notes: tuple[str, ...]) -> tuple[Flag, ...]:
    refused = tuple(
        Flag("horizon_refused", f"No risk at {one.years} years: {one.refused}") for one in horizons if one.refused
    )
    without = any(one.probability is not None and one.interval is None for one in horizons)
    said = _BY_USE[model.model.reference.intended_use] + refused + ((_NO_INTERVAL,) if without else ())
    return (*said, _SAMPLING_TIME, _ENDOCRINE, *(Flag("note", note) for note in notes))
