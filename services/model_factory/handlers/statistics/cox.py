"""Cox regression without a penalty: coefficients, baseline, and rows for a table (Cox, J R Stat Soc B 1972;34:187-220).

Ties: Efron. The baseline hazard is Breslow's estimate (same journal, discussion, p. 216), with the ties' denominators.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.model_factory.handlers.statistics.arrays import Flags, Vector
from services.model_factory.handlers.statistics.partial_likelihood import Ties, partial_likelihood

_STEPS, _HALVINGS, _CLOSE = 100, 30, 1e-9
_STILL = 1e-9
"""A likelihood that gains a smaller share than this while a coefficient still moves: it runs away to infinity."""

_ALIKE = 1e-12
"""A column whose values differ by less than this share of the largest differs by rounding alone."""
_NO_INFORMATION = "a column is constant or a combination of others"


@dataclass(frozen=True, slots=True)
class CoxFit:
    """A fitted model; risks are ``1 - exp(-H0(t) exp(x b))`` with ``x`` not centred."""

    coefficients: Vector
    covariance: Vector
    log_likelihood: float
    null_log_likelihood: float
    times: Vector
    """Distinct event times, rising."""
    cumulative_hazard: Vector
    """H0 at ``times``, for a row of zeros."""

    def risk(self, x: Vector, horizon: float) -> Vector:
        """Return the probability of the event by ``horizon`` (years) for the rows of ``x``."""
        found: Vector = -np.expm1(-self.hazard_at(horizon) * np.exp(x @ self.coefficients))
        return found

    def hazard_at(self, horizon: float) -> float:
        """Return H0 at ``horizon``."""
        return float(np.r_[0.0, self.cumulative_hazard][np.searchsorted(self.times, horizon, side="right")])


def cox(x: Vector, time: Vector, event: Flags, *, offset: Vector | None = None, ties: Ties = "efron") -> CoxFit:
    """Fit by Newton's method with step halving; ``x`` may have no columns.

    Raises:
        ValueError: If nobody had the event, a column is a combination of others, or a coefficient is infinite.
    """
    terms = partial_likelihood(time, event, ties)
    fixed = np.zeros(len(x)) if offset is None else offset
    centre = x.mean(axis=0)
    rows, spread = x - centre, np.maximum(x.std(axis=0), 1e-300)
    if (x.std(axis=0) <= _ALIKE * np.abs(x).max(axis=0)).any():
        raise ValueError(_NO_INFORMATION)
    beta = np.zeros(x.shape[1])
    value = null = terms.value(fixed)
    for _ in range(_STEPS):
        linear = rows @ beta + fixed
        step = _solve(terms.information(linear, rows), rows.T @ terms.residual(linear))
        for _ in range(_HALVINGS):
            new = terms.value(rows @ (beta + step) + fixed)
            if new >= value - 1e-12 * abs(value):
                break
            step = step / 2
        moved = float(np.abs(step * spread).max(initial=0.0))
        if new - value <= _STILL * abs(value) and moved > 1e-2:
            raise ValueError("a coefficient is infinite: one level has no event, or none without")
        beta, value = beta + step, new
        if moved < _CLOSE:
            break
    linear = rows @ beta + fixed
    covariance = _invert(terms.information(linear, rows))
    times, hazard = terms.baseline(linear, time, event)
    return CoxFit(beta, covariance, value, null, times, hazard * np.exp(-float(centre @ beta)))


def _solve(information: Vector, slope: Vector) -> Vector:
    found: Vector = _invert(information) @ slope
    return found


def _invert(information: Vector) -> Vector:
    known = np.diag(information)
    # Rounding makes what a constant column knows zero, or a little less.
    scale = np.sqrt(np.maximum(known, 0.0))
    if not (known > 0).all() or (len(scale) and np.linalg.cond(information / np.outer(scale, scale)) > 1e12):
        raise ValueError(_NO_INFORMATION)
    inverse: Vector = np.linalg.inv(information / np.outer(scale, scale)) / np.outer(scale, scale)
    return inverse
