"""Cox regression with the LASSO: minimise ``-l(beta) / n + lambda * sum |beta|`` on standardised columns.

Proximal Newton steps, each solved by cyclic coordinate descent on the columns in play, warm-started along a falling
lambda path (Simon, Friedman, Hastie & Tibshirani, J Stat Softw 2011;39(5):1-13; columns in play: Tibshirani et al.,
J R Stat Soc B 2012;74:245-266). Cross-validation by the partial-likelihood deviance of Verweij & van Houwelingen,
Stat Med 1993;12:2305-2314.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from services.model_factory.handlers.statistics.arrays import Flags, Labels, Vector
from services.model_factory.handlers.statistics.partial_likelihood import Terms, Ties, partial_likelihood

Rule = Literal["min", "1se"]
_LAMBDAS = 100
_SMALLEST = 1e-3
"""Smallest lambda as a share of the largest, with more rows than columns; else _SMALLEST_WIDE (glmnet: 1e-4, 1e-2)."""
_SMALLEST_WIDE = 1e-2
_ENOUGH = 1e-5
"""The default path ends where a further lambda lowers the deviance by a smaller share than this (glmnet's fdev),
or has as many coefficients as there are events."""
_CLOSE = 1e-7
_SLACK = 1e-5
_NEWTON, _SWEEPS, _HALVINGS = 200, 1000, 30


@dataclass(frozen=True, slots=True)
class Path:
    """Coefficients along the lambda path, on the scale of the columns as given."""

    lambdas: Vector
    """Falling."""
    coefficients: Vector
    """(lambdas, columns)."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The lambda that cross-validation chose, and the curve it was chosen from."""

    lambda_: float
    coefficients: Vector
    """(columns,), on the scale of the columns as given."""
    path: Path
    deviance: Vector
    """Per lambda of the path: cross-validated partial-likelihood deviance per event."""
    deviance_se: Vector
    """Its standard error over the folds."""

    @property
    def selected(self) -> tuple[int, ...]:
        """Return the columns whose coefficient is not 0."""
        return tuple(int(column) for column in np.flatnonzero(self.coefficients))


def cox_lasso_path(
    x: Vector, time: Vector, event: Flags, lambdas: Vector | None = None, *, ties: Ties = "efron"
) -> Path:
    """Fit the path on ``x`` (rows, columns); a constant column keeps the coefficient 0.

    Raises:
        ValueError: If nobody had the event, or a lambda is negative.
    """
    terms = partial_likelihood(time, event, ties)
    scale = _spread(x)
    standard = (x - x.mean(axis=0)) / scale
    grid = _grid(terms, standard) if lambdas is None else np.sort(np.asarray(lambdas, dtype=np.float64))[::-1]
    if grid.min() < 0:
        raise ValueError("lambda must not be negative")
    found = _descend(terms, standard, grid, _ENOUGH if lambdas is None else 0.0)
    return Path(grid[: len(found)], found / scale)


def cox_lasso_cv(
    x: Vector, time: Vector, event: Flags, folds: Labels, rule: Rule = "1se", *, ties: Ties = "efron"
) -> Chosen:
    """Choose lambda by cross-validation: the smallest deviance, or the largest lambda within one standard error of it.

    ``folds`` gives each row's fold; rows of one patient carry the same one.

    Raises:
        ValueError: If there are fewer than three folds, or one leaves no event to fit or to judge on.
    """
    path = cox_lasso_path(x, time, event, ties=ties)
    held_out = np.unique(folds)
    if len(held_out) < 3:
        raise ValueError("cross-validation needs at least three folds")
    raw = np.array([_held_out(x, time, event, folds == fold, path.lambdas, ties) for fold in held_out])
    events = np.array([event[folds == fold].sum() for fold in held_out], dtype=np.float64)
    deviance = np.average(raw, axis=0, weights=events)
    se = np.sqrt(np.average((raw - deviance) ** 2, axis=0, weights=events) / (len(held_out) - 1))
    at = _choose(deviance, se, rule)
    return Chosen(float(path.lambdas[at]), path.coefficients[at], path, deviance, se)


def _choose(deviance: Vector, se: Vector, rule: Rule) -> int:
    best = int(np.argmin(deviance))
    return best if rule == "min" else int(np.flatnonzero(deviance <= deviance[best] + se[best])[0])


def _held_out(x: Vector, time: Vector, event: Flags, out: Flags, lambdas: Vector, ties: Ties) -> Vector:
    """Deviance per held-out event: all rows less the rows fitted on, both at the fold's coefficients."""
    if not event[out].any() or not event[~out].any():
        raise ValueError("a fold without events cannot be judged or fitted")
    path = cox_lasso_path(x[~out], time[~out], event[~out], lambdas, ties=ties)
    whole, rest = partial_likelihood(time, event, ties), partial_likelihood(time[~out], event[~out], ties)
    linear = x @ path.coefficients.T
    gain = [whole.value(eta) - rest.value(eta[~out]) for eta in linear.T]
    return -2.0 * np.array(gain) / float(event[out].sum())


def _spread(x: Vector) -> Vector:
    spread = x.std(axis=0)
    return np.where(spread > np.finfo(np.float64).eps * np.abs(x).max(axis=0, initial=1.0), spread, np.inf)


def _grid(terms: Terms, x: Vector) -> Vector:
    largest = float(np.abs(x.T @ terms.residual(np.zeros(len(x)))).max()) / len(x)
    smallest = _SMALLEST if x.shape[0] > x.shape[1] else _SMALLEST_WIDE
    return np.geomspace(largest, largest * smallest, _LAMBDAS)


def _descend(terms: Terms, x: Vector, lambdas: Vector, enough: float) -> Vector:
    beta, found, last = np.zeros(x.shape[1]), [], np.inf
    null = before = terms.value(np.zeros(len(x)))
    for penalty in lambdas:
        beta = _fit(terms, x, penalty, beta, last)
        found.append(beta)
        value = terms.value(x @ beta)
        saturated = np.count_nonzero(beta) >= terms.event.sum()
        if enough and beta.any() and (saturated or value - before < enough * (value - null)):
            break
        last, before = penalty, value
    return np.array(found)


def _fit(terms: Terms, x: Vector, penalty: float, warm: Vector, last: float) -> Vector:
    """Fit one lambda; columns the strong rule set aside come back if they break the optimality conditions."""
    slope = np.abs(_slope(terms, x, warm))
    playing = (warm != 0) | (slope >= (2 * penalty - last if np.isfinite(last) else penalty))
    while True:
        beta = _newton(terms, x, penalty, warm, np.flatnonzero(playing))
        broken = (np.abs(_slope(terms, x, beta)) > penalty * (1 + _SLACK) + _CLOSE) & ~playing
        if not broken.any():
            return beta
        playing |= broken
        warm = beta


def _slope(terms: Terms, x: Vector, beta: Vector) -> Vector:
    slope: Vector = x.T @ terms.residual(x @ beta) / len(x)
    return slope


def _newton(terms: Terms, x: Vector, penalty: float, warm: Vector, columns: Labels) -> Vector:
    """Proximal Newton; the information is kept while the steps with it shrink fast enough."""
    beta = warm.copy()
    if not len(columns):
        return beta
    block, part = np.ascontiguousarray(x[:, columns]), beta[columns]
    information, before = terms.information(block @ part, block) / len(x), np.inf
    for _ in range(_NEWTON):
        slope = block.T @ terms.residual(block @ part) / len(x)
        step = _coordinates(information, slope, part, penalty) - part
        size = float(np.abs(step).max())
        if size < _CLOSE:
            break
        if size > before / 4:
            information = terms.information(block @ part, block) / len(x)
            step = _coordinates(information, slope, part, penalty) - part
        part = part + _halve(terms, block, penalty, part, step)
        before = size
    beta[columns] = part
    return beta


def _halve(terms: Terms, x: Vector, penalty: float, beta: Vector, step: Vector) -> Vector:
    """Shorten the step until the penalised likelihood does not fall."""

    def loss(at: Vector) -> float:
        return -terms.value(x @ at) / len(x) + penalty * float(np.abs(at).sum())

    start = loss(beta)
    for _ in range(_HALVINGS):
        if loss(beta + step) <= start + 1e-13 * abs(start):
            return step
        step = step / 2
    return step


def _coordinates(information: Vector, slope: Vector, beta: Vector, penalty: float) -> Vector:
    """Minimise the quadratic model at ``beta`` plus the penalty, one coefficient after the other.

    As soon as a sweep has found the signs, the rest is one linear system.
    """
    found, rest = beta.copy(), slope.copy()
    target = slope + information @ beta
    diagonal = [max(float(curve), 1e-12) for curve in np.diag(information)]
    for _ in range(_SWEEPS):
        largest = _sweep(information, diagonal, penalty, found, rest)
        solved = _with_signs(information, target, np.sign(found), penalty)
        if solved is not None:
            return solved
        if largest < _CLOSE / 10:
            break
    return found


def _sweep(information: Vector, diagonal: list[float], penalty: float, found: Vector, rest: Vector) -> float:
    """Change ``found`` and the slope ``rest`` in place; return the largest move."""
    largest = 0.0
    for j, curve in enumerate(diagonal):
        at = float(found[j])
        target = float(rest[j]) + curve * at
        new = math.copysign(max(abs(target) - penalty, 0.0) / curve, target)
        if new != at:
            found[j] = new
            rest -= information[j] * (new - at)
            largest = max(largest, abs(new - at))
    return largest


def _with_signs(information: Vector, target: Vector, signs: Vector, penalty: float) -> Vector | None:
    """Return the minimum if it has these signs, else nothing."""
    kept = np.flatnonzero(signs)
    beta = np.zeros_like(target)
    try:
        beta[kept] = np.linalg.solve(information[np.ix_(kept, kept)], target[kept] - penalty * signs[kept])
    except np.linalg.LinAlgError:
        return None
    out = np.abs(target - information @ beta)[signs == 0]
    return beta if (np.sign(beta) == signs).all() and (out <= penalty * (1 + _SLACK)).all() else None
