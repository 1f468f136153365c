"""Tests of two categorical columns: Pearson, likelihood ratio, Fisher for a table of any width.

Pearson without Yates' correction, as R's ``chisq.test(correct = FALSE)``. Fisher: the probability of all tables with the
same margins that are no likelier than this one (Freeman & Halton, Biometrika 1951;38:141-149), summed over the tables of
two rows by convolution.
"""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from services.model_factory.handlers.statistics.arrays import Vector
from services.model_factory.handlers.statistics.estimates import Significance

Counts = NDArray[np.intp]
_SMALL = 5.0
"""Cochran's rule as R's gtsummary takes it: one expected count below this, and Fisher's test is used."""
_ALIKE = 1 + 1e-7
"""R's relative tolerance for two tables of the same probability."""


def pearson(table: Counts) -> Significance:
    """Return Pearson's chi-square test; empty rows and columns do not count."""
    kept, expected = _expected(table)
    return _chi_square("Pearson chi-square", kept, float(((kept - expected) ** 2 / expected).sum()))


def likelihood_ratio(table: Counts) -> Significance:
    """Return the likelihood-ratio chi-square test (G)."""
    kept, expected = _expected(table)
    filled = kept > 0
    g = 2.0 * float((kept[filled] * np.log(kept[filled] / expected[filled])).sum())
    return _chi_square("likelihood-ratio chi-square", kept, g)


def fisher(table: Counts) -> Significance:
    """Return Fisher's exact test of a table with two rows (or two columns).

    Raises:
        ValueError: If neither side has two entries.
    """
    two = table if len(table) == 2 else table.T
    if len(two) != 2:
        raise ValueError("Fisher's test is for two groups here")
    seen = _log_weight(two[0], two.sum(axis=0))
    limit, inside, total = math.log(_ALIKE) + seen, 0.0, 0.0
    for weight, count in _tables(two.sum(axis=0), int(two[0].sum())):
        share = math.exp(weight - seen) * count
        total += share
        inside += share if weight <= limit else 0.0
    return Significance("Fisher exact", None, None, min(1.0, inside / total))


def association(table: Counts) -> Significance:
    """Return Pearson's test, or Fisher's where an expected count is below five and one side has two groups."""
    kept, expected = _expected(table)
    return fisher(kept.astype(np.intp)) if (expected < _SMALL).any() and 2 in kept.shape else pearson(table)


def cramers_v(table: Counts) -> float:
    """Return Cramer's V of Pearson's statistic."""
    found = pearson(table)
    kept, _ = _expected(table)
    return math.sqrt((found.statistic or 0.0) / (float(kept.sum()) * (min(kept.shape) - 1)))


def _expected(table: Counts) -> tuple[Vector, Vector]:
    kept = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0].astype(np.float64)
    if min(kept.shape) < 2:
        raise ValueError("a test of association needs two rows and two columns with patients in them")
    return kept, np.outer(kept.sum(axis=1), kept.sum(axis=0)) / kept.sum()


def _chi_square(method: str, kept: Vector, statistic: float) -> Significance:
    df = (kept.shape[0] - 1) * (kept.shape[1] - 1)
    return Significance(method, statistic, df, float(chi2.sf(statistic, df)))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _log_weight(row: Counts, columns: Counts) -> float:
    return sum(_log_choose(int(n), int(k)) for k, n in zip(row, columns, strict=True))


def _tables(columns: Counts, first: int) -> list[tuple[float, float]]:
    """Return the log weight of every first row with this sum, equal ones together: (log weight, how many)."""
    partial: dict[tuple[int, float], float] = {(0, 0.0): 1.0}
    for n in map(int, columns):
        grown: dict[tuple[int, float], float] = defaultdict(float)
        for (used, weight), count in partial.items():
            for k in range(min(n, first - used) + 1):
                # Rounding joins weights that are equal but for the order of their addends.
                grown[used + k, round(weight + _log_choose(n, k), 9)] += count
        partial = grown
    return [(weight, count) for (used, weight), count in partial.items() if used == first]
