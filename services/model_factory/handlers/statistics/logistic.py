"""Logistic regression by Newton's method, with the covariance of its coefficients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.model_factory.handlers.statistics.arrays import Flags, Vector

_STEPS, _CLOSE, _FAR = 100, 1e-10, 30.0


@dataclass(frozen=True, slots=True)
class LogisticFit:
    """Intercept first, then the columns' coefficients."""

    coefficients: Vector
    covariance: Vector
    log_likelihood: float

    def log_odds(self, x: Vector) -> Vector:
        """Return the linear predictor of the rows of ``x``."""
        found: Vector = self.coefficients[0] + x @ self.coefficients[1:]
        return found


def logistic(x: Vector, event: Flags, *, offset: Vector | None = None, ridge: float = 0.0) -> LogisticFit:
    """Fit ``event`` on the columns of ``x`` (possibly none) and an intercept.

    ``ridge`` adds half of it times the squared coefficients of the standardised columns to minus the log likelihood;
    the covariance is then that of the penalised fit.

    Raises:
        ValueError: If all had the event or none, the columns are dependent, or they separate the two.
    """
    if event.all() or not event.any():
        raise ValueError("a logistic model needs events and non-events")
    centre, spread = x.mean(axis=0), x.std(axis=0)
    if not (spread > 0).all():
        raise ValueError("a column is constant")
    rows: Vector = np.column_stack([np.ones(len(event)), (x - centre) / spread])
    fixed, y = (np.zeros(len(event)) if offset is None else offset), event.astype(np.float64)
    beta = np.zeros(rows.shape[1], dtype=np.float64)
    for _ in range(_STEPS):
        fitted, covariance = _at(rows, beta, fixed, ridge)
        step = covariance @ (rows.T @ (y - fitted) - ridge * np.r_[0.0, beta[1:]])
        # A bound on the first steps keeps Newton from overshooting.
        beta += step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-300))
        if np.abs(beta).max() > _FAR:
            raise ValueError("a coefficient is infinite: a column separates events from non-events")
        if np.abs(step).max() < _CLOSE:
            break
    fitted, covariance = _at(rows, beta, fixed, ridge)
    back = np.diag(np.r_[1.0, 1 / spread])
    back[0, 1:] = -centre / spread
    likelihood = float(np.log(np.where(event, fitted, 1 - fitted)).sum())
    return LogisticFit(back @ beta, back @ covariance @ back.T, likelihood)


def _at(rows: Vector, beta: Vector, fixed: Vector, ridge: float) -> tuple[Vector, Vector]:
    fitted = 1.0 / (1.0 + np.exp(-np.clip(rows @ beta + fixed, -500, 500)))
    weighted: Vector = (rows * (fitted * (1 - fitted))[:, None]).astype(np.float64)
    information = rows.T @ weighted + ridge * np.diag(np.r_[0.0, np.ones(rows.shape[1] - 1)])
    if np.linalg.cond(information) > 1e14:
        raise ValueError("a coefficient is infinite, or the columns are dependent")
    return fitted, np.asarray(np.linalg.inv(information), dtype=np.float64)
