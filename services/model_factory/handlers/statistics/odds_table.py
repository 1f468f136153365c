"""Uni- and multivariable tables of a yes-or-no outcome: odds ratios with Wald intervals and p values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from services.model_factory.handlers.statistics.arrays import Flags, Vector
from services.model_factory.handlers.statistics.effect_table import EffectRow
from services.model_factory.handlers.statistics.estimates import Estimate
from services.model_factory.handlers.statistics.logistic import LogisticFit, logistic

_Z = NormalDist().inv_cdf(0.975)


def odds_ratios(x: Vector, event: Flags, names: Sequence[str], together: Sequence[str]) -> tuple[EffectRow, ...]:
    """Return the odds ratio of the event per unit of each column of ``x``, alone and beside those of ``together``.

    A column without a finite ratio (a level without events, or without non-events) has none.
    """
    joint = [place for place, name in enumerate(names) if name in together]
    beside = _tried(x[:, joint], event)
    rows = []
    for place, name in enumerate(names):
        alone = _ratio(_tried(x[:, [place]], event), 0)
        shared = _ratio(beside, joint.index(place)) if place in joint else (None, None)
        rows.append(EffectRow(name, *alone, *shared))
    return tuple(rows)


def _tried(columns: Vector, event: Flags) -> LogisticFit | None:
    try:
        return logistic(columns, event)
    except ValueError:
        return None


def _ratio(fitted: LogisticFit | None, place: int) -> tuple[Estimate | None, float | None]:
    if fitted is None:
        return None, None
    beta = float(fitted.coefficients[place + 1])
    error = float(np.sqrt(fitted.covariance[place + 1, place + 1]))
    interval = (math.exp(beta - _Z * error), math.exp(beta + _Z * error))
    return Estimate(math.exp(beta), interval, "logistic, Wald, 95 %"), math.erfc(abs(beta / error) / math.sqrt(2.0))
