"""A number with its interval."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number, its 95 % interval and how the interval was made."""

    value: float
    interval: tuple[float, float]
    method: str
