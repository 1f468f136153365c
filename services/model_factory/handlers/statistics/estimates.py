"""A number with its interval, and a test with its probability."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number, its 95 % interval and how the interval was made."""

    value: float
    interval: tuple[float, float]
    method: str


@dataclass(frozen=True, slots=True)
class Significance:
    """What a two-sided test found."""

    method: str
    statistic: float | None
    """None for a test that has no statistic (Fisher's)."""
    df: float | None
    p: float
