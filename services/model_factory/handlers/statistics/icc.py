"""Intraclass correlation of single ratings, two-way: ICC(2,1), absolute agreement, and ICC(3,1), consistency.

Shrout & Fleiss, Psychol Bull 1979;86:420-428 (their numbering); the same as ICC(A,1) and ICC(C,1) of McGraw & Wong,
Psychol Methods 1996;1:30-46. ``ratings`` are (patients, raters) or (patients, raters, features), without gaps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.statistics.estimates import Estimate

Floats = NDArray[np.float64]
Bits = NDArray[np.bool_]
Kind = Literal["2,1", "3,1"]


@dataclass(frozen=True, slots=True)
class Iccs:
    """ICC of many features; NaN where nothing varies at all, so that there is nothing to agree about."""

    values: Floats
    low: Floats
    high: Floats
    """95 % interval by F."""


def icc(ratings: Floats, kind: Kind = "2,1") -> Estimate:
    """Return the ICC of one measurement with its 95 % interval.

    Raises:
        ValueError: If there are fewer than two patients or raters, or a rating without a finite value.
    """
    found = iccs(ratings[:, :, None], kind)
    interval = float(found.low[0]), float(found.high[0])
    return Estimate(float(found.values[0]), interval, f"ICC({kind}), interval by F (Shrout & Fleiss 1979)")


def icc_many(ratings: Floats, kind: Kind = "2,1") -> Floats:
    """Return the ICC of every feature of (patients, raters, features); NaN where nothing varies.

    Raises:
        ValueError: See ``icc``.
    """
    return iccs(ratings, kind).values


def iccs(ratings: Floats, kind: Kind = "2,1") -> Iccs:
    """Return the ICC of every feature of (patients, raters, features), with intervals.

    Raises:
        ValueError: See ``icc``.
    """
    n, k, _ = ratings.shape
    if n < 2 or k < 2:
        raise ValueError(f"an ICC needs two patients and two raters, got {n} and {k}")
    if not np.isfinite(ratings).all():
        raise ValueError("a rating has no finite value")
    squares = _Squares.of(np.asarray(ratings, dtype=np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        return squares.agreement() if kind == "2,1" else squares.consistency()


@dataclass(frozen=True, slots=True)
class _Squares:
    """Mean squares of the two-way analysis of variance, per feature."""

    n: int
    k: int
    patients: Floats
    raters: Floats
    rest: Floats

    @classmethod
    def of(cls, ratings: Floats) -> _Squares:
        """Compute them about the features' own size, so that 1e12 and 1e-12 are treated alike."""
        n, k, _ = ratings.shape
        largest = np.abs(ratings).max(axis=(0, 1))
        x = ratings / np.where(largest > 0, largest, 1.0)
        mean = x.mean(axis=(0, 1))
        row, column = x.mean(axis=1) - mean, x.mean(axis=0) - mean
        left = x - mean - row[:, None] - column[None]
        # What is left of values that agree to the last bits is rounding, not disagreement.
        parts = [_no_rounding(part) for part in (row, column, left)]
        sums = [np.square(part).sum(axis=tuple(range(part.ndim - 1))) for part in parts]
        return cls(n, k, k * sums[0] / (n - 1), n * sums[1] / (k - 1), sums[2] / ((n - 1) * (k - 1)))

    def consistency(self) -> Iccs:
        """ICC(3,1); its interval is exact."""
        n, k = self.n, self.k
        f = self.patients / self.rest
        df = (n - 1) * (k - 1)
        low, high = f / _f975(n - 1, df), f * _f975(df, n - 1)
        bounds = (low - 1) / (low + k - 1), (high - 1) / (high + k - 1)
        return self._settled(self.rest == 0, (f - 1) / (f + k - 1), *bounds)

    def agreement(self) -> Iccs:
        """ICC(2,1); its interval by Satterthwaite's degrees of freedom (Shrout & Fleiss, p. 424)."""
        n, k, rest = self.n, self.k, self.rest
        value = (self.patients - rest) / (self.patients + (k - 1) * rest + k * (self.raters - rest) / n)
        f = self.raters / rest
        others = n * (1 + (k - 1) * value) - k * value
        df = (k - 1) * (n - 1) * (k * value * f + others) ** 2 / ((n - 1) * (k * value * f) ** 2 + others**2)
        upper, lower = _f975(n - 1, df), _f975(df, n - 1)
        spread = k * self.raters + (k * n - k - n) * rest
        low = n * (self.patients - upper * rest) / (upper * spread + n * self.patients)
        high = n * (lower * self.patients - rest) / (spread + n * lower * self.patients)
        return self._settled((rest == 0) & (self.raters == 0), value, low, high)

    def _settled(self, exact: Bits, *found: Floats) -> Iccs:
        """Put 1 where there is nothing but the patients: the F of agreement to the last bit is infinite."""
        return Iccs(*(np.where(exact & (self.patients > 0), 1.0, one) for one in found))


def _no_rounding(part: Floats) -> Floats:
    """Set what is below the resolution of numbers of size 1 to zero."""
    return np.where(np.abs(part) < 8 * np.finfo(np.float64).eps, 0.0, part)


def _f975(numerator: Floats | int, denominator: Floats | int) -> Floats:
    from scipy.stats import f

    quantile: Floats = np.asarray(f.ppf(0.975, numerator, denominator), dtype=np.float64)
    return quantile
