"""The rad-score: the linear predictor of an L1 logistic model on radiomic features alone (methods P0-12).

Without its intercept: that is the log odds of the rows a fit has seen, which are lower the more events the left-out
part has. In scores out-of-fold it would tell the outcome, upside down; the model that takes the score as a column has
an intercept of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.model_factory.handlers.cohort.imaged import ImagedCohort
from services.model_factory.handlers.cohort.typed import Numbers
from services.model_factory.handlers.folds.fold import Seen, TrainingRows, learning_from
from services.model_factory.handlers.folds.making import fold_numbers
from services.model_factory.handlers.imaged.measured import MeasuredImages
from services.model_factory.handlers.imaged.partition import Opinion
from services.model_factory.handlers.selection.lasso import standardised
from services.model_factory.handlers.selection.screening import Screened, Step, screen
from services.model_factory.handlers.statistics.icc import icc_many
from services.model_factory.handlers.statistics.logistic import logistic
from shared.domain.errors import InvalidInputError

LAMBDA_FOLDS = 10
RIDGE = 1.0
"""Of the standardised columns where the features were named beforehand: six of them may be collinear."""
FEWEST_PAIRS = 10
"""Patients with two masks below which an ICC says nothing."""


@dataclass(frozen=True, slots=True)
class Term:
    """One feature: coefficient x (value - mean) / deviation."""

    feature: str
    mean: float
    deviation: float
    coefficient: float


@dataclass(frozen=True, slots=True)
class FittedRadScore:
    """What was learned."""

    terms: tuple[Term, ...]
    steps: tuple[Step, ...]
    seen: Seen

    def opinion(self, measured: MeasuredImages) -> Opinion:
        """Return the score of every patient."""
        places = {name: place for place, name in enumerate(measured.names)}
        values = np.zeros(len(measured.values))
        for one in self.terms:
            values += one.coefficient * (measured.values[:, places[one.feature]] - one.mean) / one.deviation
        return Opinion(values, self.seen)

    def kept(self) -> dict[str, Any]:
        """Return it as plain JSON values, without whom it has seen."""
        terms = [[one.feature, one.mean, one.deviation, one.coefficient] for one in self.terms]
        return {"terms": terms, "steps": [[one.name, one.left] for one in self.steps]}


def as_kept(piece: Mapping[str, Any], rows: TrainingRows[ImagedCohort]) -> FittedRadScore:
    """Return what ``kept`` gave of a fit on ``rows``."""
    terms = tuple(Term(name, mean, deviation, weight) for name, mean, deviation, weight in piece["terms"])
    steps = tuple(Step(name, left) for name, left in piece["steps"])
    return FittedRadScore(terms, steps, learning_from(rows))


def fit_rad_score(
    rows: TrainingRows[ImagedCohort], measured: MeasuredImages, named: tuple[str, ...], rng: np.random.Generator
) -> FittedRadScore:
    """Screen and fit on ``rows``; ``named`` features are taken as they are instead.

    Raises:
        LeakError: If ``rows`` are not the training rows of a fold.
        InvalidInputError: If a named feature was not measured, or there are fewer events than folds.
    """
    seen = learning_from(rows)
    x, event = measured.values[rows.index], rows.events
    if named:
        found = _prespecified(x, event, measured.names, named)
    else:
        found = screen(x, event, fold_numbers(rows, LAMBDA_FOLDS, rng), _icc(rows, measured))
    chosen = x[:, found.places]
    terms = tuple(
        Term(measured.names[place], float(mean), float(deviation), float(weight))
        for place, mean, deviation, weight in zip(
            found.places, chosen.mean(axis=0), chosen.std(axis=0), found.coefficients, strict=True
        )
    )
    return FittedRadScore(terms, found.steps, seen)


def _prespecified(x: Numbers, event: Any, names: tuple[str, ...], named: tuple[str, ...]) -> Screened:
    missing = sorted(set(named) - set(names))
    if missing:
        raise InvalidInputError("features", f"{missing[0]} is not among the measured features")
    places = np.array([names.index(name) for name in named], dtype=np.intp)
    places = places[x[:, places].std(axis=0) > 0]
    fitted = logistic(standardised(x[:, places]), event, ridge=RIDGE)
    step = Step("named beforehand", len(places))
    return Screened(places, fitted.coefficients[1:], (step,))


def _icc(rows: TrainingRows[ImagedCohort], measured: MeasuredImages) -> Numbers | None:
    """Return every feature's ICC among the rows with two masks; None where they are too few."""
    if measured.second is None:
        return None
    first, second = measured.values[rows.index], measured.second[rows.index]
    both = np.isfinite(second).all(axis=1) & np.isfinite(first).all(axis=1)
    if both.sum() < FEWEST_PAIRS:
        return None
    return icc_many(np.stack([first[both], second[both]], axis=1))
