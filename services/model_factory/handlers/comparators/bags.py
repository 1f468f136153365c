"""One slide as its patches' features: all a comparator sees of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Bag:
    """The patches of one slide."""

    features: Floats
    """(n, width), n at least 1."""
    places_um: NDArray[np.float64]
    """(n, 2): centre of every patch, in micrometres."""
    positive: bool

    def __post_init__(self) -> None:
        if not len(self.features) or len(self.features) != len(self.places_um):
            raise ValueError("a bag has a patch at least, and a place for each")


@dataclass(frozen=True, slots=True, eq=False)
class Standard:
    """Mean and deviation of every feature over the patches that were learned from."""

    mean: Floats
    deviation: Floats

    def of(self, features: Floats) -> Floats:
        """Return the features on that scale."""
        found: Floats = ((features - self.mean) / self.deviation).astype(np.float32)
        return found


def standard_of(bags: list[Bag]) -> Standard:
    """Return the scale of the patches of ``bags``, every slide counted alike; what never varies keeps its unit."""
    means = np.mean([one.features.mean(axis=0, dtype=np.float64) for one in bags], axis=0)
    squares = np.mean([((one.features - means) ** 2).mean(axis=0, dtype=np.float64) for one in bags], axis=0)
    deviation = np.sqrt(squares)
    deviation[deviation < 1e-6] = 1.0
    return Standard(means.astype(np.float32), deviation.astype(np.float32))
