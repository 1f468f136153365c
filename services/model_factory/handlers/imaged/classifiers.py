"""The classifiers on a family's columns: logistic regression, random forest, and an SVM beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from services.model_factory.handlers.cohort.imaged import ImagedCohort
from services.model_factory.handlers.cohort.typed import Numbers
from services.model_factory.handlers.folds.fold import Seen, TrainingRows, learning_from
from services.model_factory.handlers.statistics.logistic import logistic

Algorithm = Literal["logistic", "forest"]
ALGORITHMS: tuple[Algorithm, ...] = ("logistic", "forest")
TREES, FEATURES_PER_SPLIT = 500, 1
"""Paper 000: ntree = 500, mtry = 1."""
RIDGE = 1.0
"""Where a level has no event, or only events, no finite estimate exists without a penalty."""


@dataclass(frozen=True, slots=True, eq=False)
class FittedLogistic:
    """Intercept and coefficients; a column that is constant among the training rows has the coefficient 0."""

    intercept: float
    coefficients: Numbers
    covariance: Numbers
    """Of (intercept, coefficients); 0 for a constant column."""
    penalised: bool
    seen: Seen

    def probability(self, x: Numbers) -> Numbers:
        """Return P(event) of the rows of ``x``."""
        return np.asarray(1.0 / (1.0 + np.exp(-(self.intercept + x @ self.coefficients))))


@dataclass(frozen=True, slots=True, eq=False)
class FittedForest:
    """A random forest; its probability is the mean over the trees of the leaf's share of events."""

    trees: Any
    """``sklearn.ensemble.RandomForestClassifier``."""
    seen: Seen

    def probability(self, x: Numbers) -> Numbers:
        """Return P(event) of the rows of ``x``, in single precision as it is served."""
        return np.asarray(self.trees.predict_proba(x.astype(np.float32))[:, 1], dtype=np.float64)


Classifier = FittedLogistic | FittedForest


def fit_logistic(rows: TrainingRows[ImagedCohort], x: Numbers) -> FittedLogistic:
    """Fit by maximum likelihood; with a small ridge where no finite estimate exists.

    Raises:
        LeakError: If ``rows`` are not training rows.
    """
    seen = learning_from(rows)
    varying = np.flatnonzero(x.std(axis=0) > 0)
    penalised = False
    try:
        fitted = logistic(x[:, varying], rows.events)
    except ValueError:
        fitted, penalised = logistic(x[:, varying], rows.events, ridge=RIDGE), True
    places = np.concatenate([[0], varying + 1])
    every = np.zeros(x.shape[1] + 1)
    every[places] = fitted.coefficients
    covariance = np.zeros((len(every), len(every)))
    covariance[np.ix_(places, places)] = fitted.covariance
    return FittedLogistic(float(every[0]), every[1:], covariance, penalised, seen)


def fit_forest(
    rows: TrainingRows[ImagedCohort], x: Numbers, seed: int, trees: int = TREES, per_split: int = FEATURES_PER_SPLIT
) -> FittedForest:
    """Grow the trees to the end, as R's ``randomForest`` does by default.

    Raises:
        LeakError: If ``rows`` are not training rows.
    """
    from sklearn.ensemble import RandomForestClassifier

    seen = learning_from(rows)
    forest = RandomForestClassifier(n_estimators=trees, max_features=per_split, random_state=seed, n_jobs=1)
    forest.fit(x.astype(np.float32), rows.events)
    return FittedForest(forest, seen)


def fit(algorithm: Algorithm, rows: TrainingRows[ImagedCohort], x: Numbers, seed: int, trees: int) -> Classifier:
    """Fit one of the two that are served."""
    return fit_logistic(rows, x) if algorithm == "logistic" else fit_forest(rows, x, seed, trees)


def machine_scores(rows: TrainingRows[ImagedCohort], x: Numbers, others: Numbers) -> Numbers:
    """Return the decision values of a support vector machine (radial kernel) fitted on ``rows`` for ``others``.

    The paper recommends one and shows none; it ranks, and gives no probability.

    Raises:
        LeakError: If ``rows`` are not training rows.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    learning_from(rows)
    machine = make_pipeline(StandardScaler(), SVC(kernel="rbf", C=1.0, gamma="scale"))
    machine.fit(x, rows.events)
    return np.asarray(machine.decision_function(others), dtype=np.float64)
