"""Tests of two categorical columns: Pearson, likelihood ratio, Fisher for a table of any width.

Pearson without Yates' correction, as R's ``chisq.test(correct = FALSE)``. Fisher: the probability of all tables with
the same margins that are no likelier than this one (Freeman & Halton, Biometrika 1951;38:141-149), summed over the
tables of two rows by convolution.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import chi2

from services.model_factory.handlers.statistics.arrays import Labels, Vector
from services.model_factory.handlers.statistics.estimates import Significance

Counts = NDArray[np.intp]
_SMALL = 5.0
"""Cochran's rule as R's gtsummary takes it: one expected count below this, and Fisher's test is used."""
_LIMIT = 5_000_000
"""Tables written down at once; a wider one is Pearson's."""
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
        ValueError: If neither side has two entries, or there are more than five million tables.
    """
    two = table if len(table) == 2 else table.T
    if len(two) != 2:
        raise ValueError("Fisher's test is for two groups here")
    columns, first = np.sort(two.sum(axis=0)), int(two[0].sum())
    seen = float(sum(_log_choose(int(n), np.array([k]))[0] for k, n in zip(two[0], two.sum(axis=0), strict=True)))
    weights = _tables(columns, first) - seen
    inside = float(np.exp(weights[weights <= math.log(_ALIKE)]).sum())
    return Significance("Fisher exact", None, None, min(1.0, inside / float(np.exp(weights).sum())))


def association(table: Counts) -> Significance:
    """Return Pearson's test, or Fisher's where an expected count is below five and the exact test can be done."""
    kept, expected = _expected(table)
    if (expected >= _SMALL).all() or 2 not in kept.shape:
        return pearson(table)
    try:
        return fisher(kept.astype(np.intp))
    except ValueError:
        return pearson(table)


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


def _log_choose(n: int, k: Labels) -> Vector:
    found: Vector = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return found


def _tables(columns: Counts, first: int) -> Vector:
    """Return the log weight of every first row that sums to ``first``; ``columns`` rise, so the last is the widest."""
    used, weight = np.zeros(1, dtype=np.intp), np.zeros(1)
    for place, n in enumerate(columns[:-1]):
        room = int(columns[place + 1 :].sum())
        options = np.arange(n + 1)
        if len(used) * len(options) > _LIMIT:
            raise ValueError("too many tables for an exact test")
        total = (used[:, None] + options).ravel()
        both = (weight[:, None] + _log_choose(int(n), options)).ravel()
        fits = (total <= first) & (total + room >= first)
        used, weight = total[fits], both[fits]
    return weight + _log_choose(int(columns[-1]), first - used)
