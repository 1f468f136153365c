"""Missing values by chained ridge regressions: every incomplete column from all others, a few rounds.

One completed table (the conditional mean), not several: intervals do not carry the uncertainty of what was missing.
van Buuren & Groothuis-Oudshoorn, J Stat Softw 2011;45(3), with the draw replaced by the mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.model_factory.handlers.cohort.typed import Flags, Numbers

ROUNDS = 3
RIDGE = 1.0
"""Penalty on standardised coefficients, in rows."""


@dataclass(frozen=True, slots=True)
class Chained:
    """Means and regressions of the training rows."""

    means: Numbers
    spreads: Numbers
    lows: Numbers
    highs: Numbers
    """Range of each column in training; what is filled in stays within it."""
    weights: dict[int, Numbers]
    """By incomplete column: coefficients on the standardised other columns (own place 0)."""

    def complete(self, x: Numbers) -> Numbers:
        """Return ``x`` (rows, columns) without missing values; what was there stays as it was."""
        missing = np.isnan(x)
        if not missing.any():
            return x
        z = np.where(missing, 0.0, (x - self.means) / self.spreads)
        for _ in range(ROUNDS):
            for column in np.flatnonzero(missing.any(axis=0)):
                if int(column) in self.weights:
                    z[missing[:, column], column] = z[missing[:, column]] @ self.weights[int(column)]
        filled = np.clip(z * self.spreads + self.means, self.lows, self.highs)
        return np.where(missing, filled, x)


def fit_chained(x: Numbers) -> Chained:
    """Learn from the rows of ``x``; a column without any value is taken as 0."""
    missing = np.isnan(x)
    empty: Flags = np.asarray(missing.all(axis=0))
    known = np.where(empty[None, :], 0.0, x)
    means = np.nanmean(known, axis=0)
    deviations = np.nanstd(known, axis=0)
    spreads = np.where(deviations > 0, deviations, 1.0)
    z = np.where(np.isnan(known), 0.0, (known - means) / spreads)
    weights: dict[int, Numbers] = {}
    for _ in range(ROUNDS if missing.any() else 0):
        for column in np.flatnonzero(missing.any(axis=0) & ~empty):
            weights[int(column)] = _ridge(z, int(column), ~missing[:, column])
            z[missing[:, column], column] = z[missing[:, column]] @ weights[int(column)]
    return Chained(means, spreads, np.nanmin(known, axis=0), np.nanmax(known, axis=0), weights)


def _ridge(z: Numbers, column: int, known: Flags) -> Numbers:
    others = z[known].copy()
    target = others[:, column].copy()
    others[:, column] = 0.0
    gram = others.T @ others + RIDGE * np.eye(z.shape[1])
    weights = np.linalg.solve(gram, others.T @ target)
    weights[column] = 0.0
    return np.asarray(weights, dtype=np.float64)
