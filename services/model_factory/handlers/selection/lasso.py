"""LASSO as a selector: binomial deviance at lambda.min, or Cox's partial likelihood at lambda.1se."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from services.model_factory.handlers.cohort.design import Design
from services.model_factory.handlers.cohort.typed import Counts, Flags, Numbers
from services.model_factory.handlers.statistics.cox_lasso import cox_lasso_cv
from services.model_factory.handlers.training.selected import LassoPath

LAMBDAS = 40
SMALLEST = 0.01
"""Smallest lambda as a fraction of the one that empties the model (glmnet's own where rows are few for the columns)."""
# liblinear penalises the intercept as the coefficient of a constant column of this size: large enough not to matter.
_INTERCEPT = 100.0


@dataclass(frozen=True, slots=True)
class LassoChoice:
    """Coefficients on standardised columns at the chosen penalty."""

    coefficients: Numbers
    path: LassoPath


def binomial_lasso(design: Design, event: Flags, number: Counts) -> LassoChoice:
    """Choose lambda where the cross-validated binomial deviance is smallest; ``number`` is every row's fold."""
    one = binomial_path(design.x, event, number)
    best = int(one.deviance.argmin())
    told = _told(design, one.lambdas, best, one.coefficients, one.deviance, one.standard_error)
    return LassoChoice(one.coefficients[best], told)


@dataclass(frozen=True, slots=True, eq=False)
class BinomialPath:
    """The L1 logistic model at every penalty, largest first, with its cross-validated deviance."""

    lambdas: Numbers
    coefficients: Numbers
    """(lambdas, columns), of standardised columns."""
    intercepts: Numbers
    deviance: Numbers
    """Mean over the folds, per patient."""
    standard_error: Numbers

    @property
    def one_standard_error(self) -> int:
        """Return the place of the largest penalty within one standard error of the best (lambda.1se)."""
        best = int(self.deviance.argmin())
        return int(np.flatnonzero(self.deviance <= self.deviance[best] + self.standard_error[best])[0])


def binomial_path(values: Numbers, event: Flags, number: Counts) -> BinomialPath:
    """Fit the path on the rows of ``values``; ``number`` is every row's fold."""
    x = standardised(values)
    y = event.astype(np.int64)
    largest = float(np.abs(x.T @ (y - y.mean())).max() / len(y))
    lambdas = np.geomspace(largest, largest * SMALLEST, LAMBDAS)
    deviances = np.stack([_held_out(x, y, number == k, lambdas) for k in np.unique(number)])
    weights = np.array([(number == k).sum() for k in np.unique(number)], dtype=np.float64)
    mean = np.average(deviances, axis=0, weights=weights)
    spread = np.sqrt(np.average((deviances - mean) ** 2, axis=0, weights=weights) / (len(weights) - 1))
    path, intercepts = _path(x, y, lambdas)
    return BinomialPath(lambdas, path, intercepts, mean, spread)


def _held_out(x: Numbers, y: Counts, out: Flags, lambdas: Numbers) -> Numbers:
    path, intercepts = _path(x[~out], y[~out], lambdas)
    linear = x[out] @ path.T + intercepts
    sign = np.where(y[out] == 1, -1.0, 1.0)[:, None]
    return np.asarray(2.0 * np.logaddexp(0.0, sign * linear).mean(axis=0), dtype=np.float64)


def _path(x: Numbers, y: Counts, lambdas: Numbers) -> tuple[Numbers, Numbers]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    rows, intercepts = [], []
    with warnings.catch_warnings():
        # At the small end of the path a solution far from the chosen one may be unfinished; it is never chosen there.
        warnings.simplefilter("ignore", ConvergenceWarning)
        for penalty in lambdas:
            model = LogisticRegression(
                l1_ratio=1.0, solver="liblinear", C=1.0 / (len(y) * penalty), intercept_scaling=_INTERCEPT,
                random_state=0, max_iter=200,
            )  # fmt: skip
            model.fit(x, y)
            rows.append(model.coef_[0])
            intercepts.append(float(model.intercept_[0]))
    return np.stack(rows), np.array(intercepts)


def cox_lasso(design: Design, years: Numbers, event: Flags, number: Counts) -> LassoChoice:
    """Choose the largest lambda within one standard error of the smallest partial-likelihood deviance."""
    chosen = cox_lasso_cv(standardised(design.x), years, event, number, rule="1se")
    path = chosen.path
    place = int(np.argmin(np.abs(path.lambdas - chosen.lambda_)))
    told = _told(design, path.lambdas, place, path.coefficients, chosen.deviance, chosen.deviance_se)
    return LassoChoice(chosen.coefficients, told)


def standardised(x: Numbers) -> Numbers:
    """Return the columns with mean 0 and standard deviation 1; only ever called on the rows that are learned from."""
    spread = x.std(axis=0)
    return np.asarray((x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0), dtype=np.float64)


def _told(design: Design, lambdas: Numbers, best: int, path: Numbers, mean: Numbers, spread: Numbers) -> LassoPath:
    return LassoPath(
        lambdas=tuple(float(value) for value in lambdas),
        deviance=tuple(float(value) for value in mean),
        standard_error=tuple(float(value) for value in spread),
        chosen=float(lambdas[best]),
        coefficients=tuple(tuple(float(value) for value in row) for row in path),
        columns=tuple(column.name for column in design.columns),
    )
