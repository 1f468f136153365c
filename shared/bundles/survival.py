"""The Cox model of a bundle: is it whole, and how do predictors see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shared.predictors.hazards.model import Column, Hazards, Horizon, MeasuredRange, ModelInput

if TYPE_CHECKING:
    from shared.bundles.manifest import Golden, InputContract, Manifest, Survival, SurvivalHorizon, Term


def inputs_of(inputs: tuple[InputContract, ...]) -> tuple[ModelInput, ...]:
    """Return the inputs as predictors see them."""
    return tuple(ModelInput(one.name, one.meaning, one.levels, _range_of(one)) for one in inputs)


def hazards_of(survival: Survival) -> Hazards:
    """Return the Cox model as predictors see it."""
    columns = (
        Column(one.feature, one.input, one.transform, one.level, one.log_hazard_ratio, one.centre)
        for one in survival.terms
    )
    horizons = (
        Horizon(one.years, one.baseline_cumulative_hazard, one.covariance, one.at_risk, one.refused)
        for one in survival.horizons
    )
    return Hazards(tuple(columns), tuple(horizons))


def _range_of(one: InputContract) -> MeasuredRange | None:
    seen = one.range
    return None if seen is None else MeasuredRange(seen.unit, seen.low, seen.high, seen.detection_limit)


def refuse_inconsistent(manifest: Manifest, survival: Survival) -> None:
    """Refuse a Cox model that does not fit the rest of its manifest.

    Raises:
        ValueError: Names what does not fit.
    """
    if tuple(one.feature for one in survival.terms) != manifest.features:
        raise ValueError("survival.terms are not the features, in their order")
    inputs = {one.name: one for one in manifest.inputs}
    for term in survival.terms:
        _refuse_term(term, inputs)
    for name, contract in inputs.items():
        _refuse_columns(name, contract, [term for term in survival.terms if term.input == name])
    _refuse_horizons(survival)
    given = [one for one in survival.horizons if not one.refused]
    for golden in manifest.golden:
        _refuse_golden(golden, len(given))
    if manifest.positive_index != 0 or manifest.output.favourable:
        raise ValueError("the outputs of a Cox model are risks: the positive class has index 0 and is not favourable")


def _refuse_term(term: Term, inputs: Mapping[str, InputContract]) -> None:
    contract = inputs.get(term.input)
    if contract is None:
        raise ValueError(f"the column {term.feature} is made from {term.input}, which is no input")
    if (term.transform == "indicator") != bool(contract.levels):
        raise ValueError(f"the column {term.feature} does not fit its input: indicators are of levels, and only they")
    if contract.levels and term.level not in contract.levels:
        raise ValueError(f"the column {term.feature} asks for the level {term.level!r} that {term.input} does not have")
    if term.transform == "log1p" and contract.range and contract.range.low <= -1:
        raise ValueError(f"ln(1 + {term.input}) does not exist for the smallest value in its range")


def _refuse_columns(name: str, contract: InputContract, terms: list[Term]) -> None:
    """One column per measured input, so that its axis rises or falls; at most one indicator per level."""
    if not terms:
        raise ValueError(f"no column is made from the input {name}")
    if contract.range and len(terms) > 1:
        raise ValueError(f"more than one column is made from the measured input {name}")
    if len({term.level for term in terms}) < len(terms):
        raise ValueError(f"two columns are made from one level of {name}")


def _refuse_horizons(survival: Survival) -> None:
    years = [one.years for one in survival.horizons]
    if years != sorted(set(years)):
        raise ValueError("survival.horizons are not each later than the one before")
    given = [one for one in survival.horizons if one.baseline_cumulative_hazard is not None]
    if not given:
        raise ValueError("the model gives no probability at any horizon")
    hazards = [one.baseline_cumulative_hazard or 0.0 for one in given]
    if hazards != sorted(hazards):
        raise ValueError("a cumulative hazard falls from one horizon to a later one")
    for one in given:
        _refuse_covariance(one, 1 + len(survival.terms))


def _refuse_covariance(horizon: SurvivalHorizon, size: int) -> None:
    rows = horizon.covariance
    if not rows:
        return
    if len(rows) != size or any(len(row) != size for row in rows):
        raise ValueError(f"the covariance at {horizon.years} years is not {size} x {size}")
    pairs = ((rows[i][j], rows[j][i]) for i in range(size) for j in range(i))
    if any(abs(a - b) > 1e-9 * (1 + abs(a)) for a, b in pairs) or any(rows[i][i] < 0 for i in range(size)):
        raise ValueError(f"the covariance at {horizon.years} years is not symmetric with a diagonal of squares")


def _refuse_golden(golden: Golden, outputs: int) -> None:
    if outputs > 1 and len(golden.outputs) != outputs:
        raise ValueError("a golden input does not state every output of the graph")
