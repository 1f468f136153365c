"""How far a case lies from what a model has seen: ranges and devices in words, and one distance with its quantile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shared.predictors.imaging import SeenDistribution

UNUSUAL_SHARE = 0.95
"""A distance larger than that of so many training patients is said. Ours, no published figure."""


@dataclass(frozen=True, slots=True)
class Distance:
    """Mahalanobis distance from the training patients' mean."""

    value: float
    share: float
    """Share of the training patients that lie nearer, as far as the bundle tells."""

    @property
    def unusual(self) -> bool:
        """Tell whether a reader should know."""
        return self.share >= UNUSUAL_SHARE

    @property
    def text(self) -> str:
        """Return it in words."""
        return f"distance {self.value:.1f} from the training patients, of whom {self.share:.0%} lie nearer"


def distance_of(seen: SeenDistribution, values: Mapping[str, float]) -> Distance | None:
    """Return the distance of ``values``; None where one of the columns is missing, or the model states none."""
    if not seen.features or any(name not in values for name in seen.features):
        return None
    away = np.array([values[name] for name in seen.features]) - np.array(seen.mean)
    value = float(np.sqrt(max(0.0, away @ np.array(seen.precision) @ away)))
    return Distance(value, max((share for share, limit in seen.quantiles if value > limit), default=0.0))


def outside(seen: SeenDistribution, values: Mapping[str, float], manufacturer: str) -> tuple[str, ...]:
    """Return, in words, what the model has not seen the like of; a quantity nobody stated is passed over."""
    said = [
        f"{one.name.replace('_', ' ')} is {values[one.name]:.4g}; 98 % of the training patients had {one.low:.4g} to "
        f"{one.high:.4g}"
        for one in seen.ranges
        if one.name in values and not one.low <= values[one.name] <= one.high
    ]
    known = {name.casefold() for name in seen.manufacturers}
    if manufacturer and known and manufacturer.casefold() not in known:
        said.append(f"no training patient was imaged on a scanner of {manufacturer}")
    return tuple(said)
