"""The final model as the results tell it: terms, horizons, tests of its assumption, one sensitivity analysis."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from services.model_factory.handlers.cohort.typed import COMPETING, Categorical, Measured, TypedCohort
from services.model_factory.handlers.folds.fold import Fold, TrainingRows
from services.model_factory.handlers.statistics.aalen_johansen import aalen_johansen
from services.model_factory.handlers.statistics.concordance import harrell
from services.model_factory.handlers.statistics.kaplan_meier import kaplan_meier
from services.model_factory.handlers.survival.cox import CoxModel, fit_cox, schoenfeld
from services.model_factory.handlers.survival.horizons import at_horizon, refusal
from services.model_factory.handlers.training.modelled import CoxTerm, FinalModel, Horizon, Proportionality, Sensitivity
from services.model_factory.handlers.training.pipeline import Fitted
from services.model_factory.handlers.training.presets import Recipe
from services.model_factory.handlers.training.targets import Target

DERIVED = "_status"


def final_model(rows: TrainingRows, fitted: Fitted, horizons: tuple[int, ...]) -> FinalModel:
    """Tell the model of ``rows``."""
    model = fitted.model
    terms = tuple(_term(rows, fitted, place) for place in range(len(model.columns)))
    tested = schoenfeld(model) if model.columns else ()
    return FinalModel(
        ties="efron",
        n=rows.n,
        events=int(rows.events.sum()),
        terms=terms,
        horizons=tuple(_horizon(rows, model, years) for years in horizons),
        proportionality=tuple(Proportionality(c.name, p) for c, p in zip(model.columns, tested, strict=True)),
    )


def _term(rows: TrainingRows, fitted: Fitted, place: int) -> CoxTerm:
    model = fitted.model
    column = model.columns[place]
    candidate = rows.cohort.column(column.candidate)
    error = float(np.sqrt(model.covariance[place, place]))
    alone = fit_cox(rows, fitted.prepared, (column.candidate,))
    there = [one.name for one in alone.columns].index(column.name)
    alone_error = float(np.sqrt(alone.covariance[there, there]))
    low, high = _range(model, place)
    return CoxTerm(
        feature=column.name,
        candidate=column.candidate,
        transform=column.transform,
        level=column.level,
        unit=candidate.unit if isinstance(candidate, Measured) else "",
        log_hazard_ratio=float(model.coefficients[place]),
        standard_error=error,
        p=_p(float(model.coefficients[place]) / error),
        centre=float(model.centre[place]),
        low=low,
        high=high,
        detection_limit=_limit(rows, candidate),
        univariable_log_hazard_ratio=float(alone.coefficients[there]),
        univariable_standard_error=alone_error,
        univariable_p=_p(float(alone.coefficients[there]) / alone_error),
    )


def _range(model: CoxModel, place: int) -> tuple[float, float]:
    """Return the smallest and largest training value, before the transform; 12 digits hide the way back."""
    values = model.x[:, place] + model.centre[place]
    if model.columns[place].transform == "log1p":
        values = np.expm1(values)
    return float(f"{values.min():.12g}"), float(f"{values.max():.12g}")


def _limit(rows: TrainingRows, candidate: Measured | Categorical) -> float | None:
    if isinstance(candidate, Categorical) or not np.isneginf(rows.measured(candidate.name)).any():
        return None
    return candidate.detection_limit


def _p(z: float) -> float:
    return math.erfc(abs(z) / math.sqrt(2.0))


def _horizon(rows: TrainingRows, model: CoxModel, years: int) -> Horizon:
    at_risk, events = at_horizon(rows.years, rows.events, years)
    refused = refusal(rows.years, rows.events, years)
    outcome = rows.cohort.outcome[rows.index]
    competing = bool((outcome == COMPETING).any())
    return Horizon(
        years=years,
        at_risk=at_risk,
        events=events,
        baseline_cumulative_hazard=None if refused else model.hazard(years),
        covariance=() if refused else _tuples(model.hazard_covariance(years)),
        refused=refused,
        competing_risk=aalen_johansen(rows.years, outcome).estimate(years).value if competing and not refused else None,
        one_minus_km=None if refused else 1.0 - float(kaplan_meier(rows.years, rows.events).estimate(years).value),
    )


def _tuples(matrix: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in matrix)


def sensitivities(whole: Fold, recipe: Recipe, target: Target, chosen: tuple[str, ...]) -> tuple[Sensitivity, ...]:
    """Fit the model again with one variable replaced by what may have been meant."""
    found = []
    for candidate, column, levels in target.stands_for:
        names = {one.name for one in whole.cohort.columns}
        if candidate in chosen and column in names:
            found.append(_replaced(whole, recipe, chosen, candidate, column, levels))
    return tuple(found)


def _replaced(
    whole: Fold, recipe: Recipe, chosen: tuple[str, ...], candidate: str, column: str, levels: tuple[str, ...]
) -> Sensitivity:
    cohort = _with_status(whole.cohort, column, levels)
    rows = Fold(cohort, whole.learned_from, whole.left_out, whole.name).training
    others = tuple(name for name in chosen if name != candidate)
    model = fit_cox(rows, recipe.preparation.fit(rows), (*others, column + DERIVED))
    terms = tuple((c.name, float(b)) for c, b in zip(model.columns, model.coefficients, strict=True))
    by = f"{column} in ({', '.join(levels)})"
    return Sensitivity(candidate, by, terms, harrell(rows.years, rows.events, model.linear(rows)))


def _with_status(cohort: TypedCohort, column: str, levels: tuple[str, ...]) -> TypedCohort:
    """Return the cohort with a yes/no column made of ``column``; it is no candidate of any selection."""
    source = cohort.column(column)
    if not isinstance(source, Categorical):
        raise TypeError(f"{column} has no levels")
    members = [place for place, level in enumerate(source.levels) if level in levels]
    flags = np.isin(cohort.categorical[column], members).astype(np.intp)
    derived = Categorical(column + DERIVED, f"{source.display}: {', '.join(levels)}", ("no", "yes"))
    return dataclasses.replace(
        cohort,
        columns=(*cohort.columns, derived),
        categorical={**cohort.categorical, derived.name: flags},
    )
