"""Uni- and multivariable tables: hazard ratios with Wald intervals and p values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from services.model_factory.handlers.statistics.arrays import Flags, Vector
from services.model_factory.handlers.statistics.cox import CoxFit, cox
from services.model_factory.handlers.statistics.estimates import Estimate

_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class EffectRow:
    """One column's effect, alone and beside the others."""

    name: str
    univariable: Estimate | None
    """Ratio per unit; None where no finite one exists (a level without events)."""
    univariable_p: float | None
    multivariable: Estimate | None
    multivariable_p: float | None


def hazard_ratios(
    x: Vector, time: Vector, event: Flags, names: Sequence[str], together: Sequence[str] | None = None
) -> tuple[EffectRow, ...]:
    """Return Cox hazard ratios (Efron) of each column of ``x`` alone, and beside the others.

    ``together``: names of the columns of the multivariable model; all of them where it is not given. A column that is
    not among them has no multivariable ratio.
    """
    joint = [place for place, name in enumerate(names) if together is None or name in together]
    beside = _tried(x[:, joint], time, event)
    rows = []
    for place, name in enumerate(names):
        alone = _ratio(_tried(x[:, [place]], time, event), 0)
        rows.append(EffectRow(name, *alone, *_ratio(beside if place in joint else None, _place(joint, place))))
    return tuple(rows)


def _place(joint: list[int], place: int) -> int:
    return joint.index(place) if place in joint else -1


def _tried(columns: Vector, time: Vector, event: Flags) -> CoxFit | None:
    try:
        return cox(columns, time, event)
    except ValueError:
        return None


def _ratio(fitted: CoxFit | None, place: int) -> tuple[Estimate | None, float | None]:
    if fitted is None:
        return None, None
    beta, error = float(fitted.coefficients[place]), float(np.sqrt(fitted.covariance[place, place]))
    interval = (math.exp(beta - _Z * error), math.exp(beta + _Z * error))
    return Estimate(math.exp(beta), interval, "Cox, Efron, Wald, 95 %"), math.erfc(abs(beta / error) / math.sqrt(2.0))
