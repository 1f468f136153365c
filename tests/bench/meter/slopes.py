"""Growth per hour with its interval, and what may be said of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.bench.meter.vitals import Vitals

_HOUR_S = 3600.0
BLOCKS = 12
_STUDENT = 2.228
"""97.5 % quantile of Student's t for ``BLOCKS`` - 2 degrees of freedom."""
LONG_ENOUGH_S = 20 * 60.0
"""Measured behind warm-up, in seconds, from which on an interval that reaches above the limit is a failure."""


class Growth(StrEnum):
    """What a slope shows."""

    FLAT = "flat"
    """The whole interval lies below the limit."""
    GROWS = "grows"
    """The whole interval lies above it; or, after ``LONG_ENOUGH_S``, it still reaches above."""
    UNDECIDED = "undecided"
    """The interval reaches above the limit, and the run was too short to blame anybody."""


@dataclass(frozen=True, slots=True)
class Slope:
    """Least squares, per hour."""

    per_hour: float
    half_width: float
    """Half of the 95 % interval."""

    @property
    def surely_above(self) -> float:
        """Return the lower end of the interval."""
        return self.per_hour - self.half_width

    @property
    def at_most(self) -> float:
        """Return the upper end of the interval."""
        return self.per_hour + self.half_width

    def verdict(self, limit: float, measured_s: float) -> Growth:
        """Judge against a limit per hour, after so many seconds of measuring."""
        if self.at_most <= limit:
            return Growth.FLAT
        surely = self.surely_above > limit or measured_s >= LONG_ENOUGH_S
        return Growth.GROWS if surely else Growth.UNDECIDED


def slope(rows: Sequence[Vitals], attribute: str) -> Slope:
    """Fit one attribute of the samples.

    Neighbouring samples hang together (a child lives for several of them), so the means of ``BLOCKS`` equal blocks are
    fitted; with fewer than two samples a block nothing is known.
    """
    size = len(rows) // BLOCKS
    if size < 2:
        return Slope(0.0, math.inf)
    blocks = [rows[start : start + size] for start in range(len(rows) % BLOCKS, len(rows), size)]
    times = [sum(row.seconds for row in block) / size / _HOUR_S for block in blocks]
    values = [sum(float(getattr(row, attribute)) for row in block) / size for block in blocks]
    mean_time, mean_value = sum(times) / BLOCKS, sum(values) / BLOCKS
    spread = sum((time - mean_time) ** 2 for time in times)
    pairs = list(zip(times, values, strict=True))
    per_hour = sum((time - mean_time) * (value - mean_value) for time, value in pairs) / spread
    left = sum((value - mean_value - per_hour * (time - mean_time)) ** 2 for time, value in pairs)
    return Slope(per_hour, _STUDENT * math.sqrt(left / (BLOCKS - 2) / spread))
