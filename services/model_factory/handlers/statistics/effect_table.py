"""Uni- and multivariable tables: hazard or odds ratios with Wald intervals and p values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from services.model_factory.handlers.statistics.arrays import Flags, Vector
from services.model_factory.handlers.statistics.cox import cox
from services.model_factory.handlers.statistics.estimates import Estimate
from services.model_factory.handlers.statistics.logistic import logistic

_NORMAL = NormalDist()
_Z = _NORMAL.inv_cdf(0.975)

Fitted = tuple[Vector, Vector]
"""Coefficients and covariance."""


@dataclass(frozen=True, slots=True)
class EffectRow:
    """One column's effect, alone and beside the others."""

    name: str
    univariable: Estimate | None
    """Ratio per unit; None where no finite one exists (a level without events)."""
    univariable_p: float | None
    multivariable: Estimate | None
    multivariable_p: float | None


def hazard_ratios(x: Vector, time: Vector, event: Flags, names: Sequence[str]) -> tuple[EffectRow, ...]:
    """Return Cox hazard ratios (Efron) of each column of ``x``, alone and together."""

    def fit(columns: Vector) -> Fitted:
        found = cox(columns, time, event)
        return found.coefficients, found.covariance

    return _table(fit, x, names, "Cox, Efron, Wald, 95 %")


def odds_ratios(x: Vector, event: Flags, names: Sequence[str]) -> tuple[EffectRow, ...]:
    """Return odds ratios of each column of ``x``, alone and together; they are for ``event``, not for its absence."""

    def fit(columns: Vector) -> Fitted:
        found = logistic(columns, event)
        return found.coefficients[1:], found.covariance[1:, 1:]

    return _table(fit, x, names, "logistic, Wald, 95 %")


def _table(fit: Callable[[Vector], Fitted], x: Vector, names: Sequence[str], method: str) -> tuple[EffectRow, ...]:
    together = _tried(fit, x)
    rows = []
    for place, name in enumerate(names):
        alone = _ratio(_tried(fit, x[:, [place]]), 0, method)
        rows.append(EffectRow(name, *alone, *_ratio(together, place, method)))
    return tuple(rows)


def _tried(fit: Callable[[Vector], Fitted], columns: Vector) -> Fitted | None:
    try:
        return fit(columns)
    except ValueError:
        return None


def _ratio(fitted: Fitted | None, place: int, method: str) -> tuple[Estimate | None, float | None]:
    if fitted is None:
        return None, None
    beta, error = float(fitted[0][place]), float(np.sqrt(fitted[1][place, place]))
    interval = (math.exp(beta - _Z * error), math.exp(beta + _Z * error))
    return Estimate(math.exp(beta), interval, method), 2 * (1 - _NORMAL.cdf(abs(beta / error)))
