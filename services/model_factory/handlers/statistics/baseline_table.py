"""A continuous column of table 1, overall and by group, with the test that suits it.

A column that looks normal in every group (Shapiro & Wilk, p >= .05): mean and standard deviation, Welch's t or one-way
analysis of variance; otherwise median and quartiles, Wilcoxon's or Kruskal-Wallis' rank test. Categorical columns:
``contingency.association``.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import stats

from services.model_factory.handlers.statistics.arrays import Labels, Vector
from services.model_factory.handlers.statistics.estimates import Significance

_NORMAL_FROM = 0.05
_FEW, _MANY = 3, 5000
"""Shapiro's test wants at least three values and is only exact to five thousand; beyond, ranks are used."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One column in one group: mean and SD, or median and quartiles."""

    n: int
    middle: float
    spread: tuple[float, ...]
    """(SD,) or (first quartile, third quartile)."""


@dataclass(frozen=True, slots=True)
class ContinuousRow:
    """A continuous column; ``groups`` in the order of the group numbers."""

    name: str
    normal: bool
    overall: Cell
    groups: tuple[Cell, ...]
    missing: int
    test: Significance | None


def continuous_row(name: str, values: Vector, group: Labels) -> ContinuousRow:
    """Describe one continuous column; NaN is missing and counted."""
    known = np.isfinite(values)
    parts = [values[known & (group == label)] for label in np.unique(group)]
    normal = all(_looks_normal(part) for part in parts)
    cells = tuple(_cell(part, normal=normal) for part in parts)
    tested = _compare(parts, normal=normal) if len(parts) > 1 and all(len(part) > 1 for part in parts) else None
    return ContinuousRow(name, normal, _cell(values[known], normal=normal), cells, int((~known).sum()), tested)


def _looks_normal(part: Vector) -> bool:
    if not _FEW <= len(part) <= _MANY or np.ptp(part) == 0:
        return False
    return bool(stats.shapiro(part).pvalue >= _NORMAL_FROM)


def _cell(part: Vector, *, normal: bool) -> Cell:
    if not len(part):
        return Cell(0, float("nan"), (float("nan"),))
    if normal:
        return Cell(len(part), float(part.mean()), (float(part.std(ddof=1)),))
    low, middle, high = np.quantile(part, [0.25, 0.5, 0.75])
    return Cell(len(part), float(middle), (float(low), float(high)))


def _compare(parts: list[Vector], *, normal: bool) -> Significance | None:
    if np.ptp(np.concatenate(parts)) == 0:
        return None
    with warnings.catch_warnings():
        # scipy warns of precision when a group is all one value; the rank tests are right all the same.
        warnings.simplefilter("ignore", RuntimeWarning)
        if len(parts) == 2:
            return _two(parts[0], parts[1], normal=normal)
        found = stats.f_oneway(*parts) if normal else stats.kruskal(*parts)
    method = "analysis of variance" if normal else "Kruskal-Wallis"
    return Significance(method, float(found.statistic), len(parts) - 1, float(found.pvalue))


def _two(one: Vector, other: Vector, *, normal: bool) -> Significance:
    if normal:
        t = stats.ttest_ind(one, other, equal_var=False)
        return Significance("Welch t", float(t.statistic), float(t.df), float(t.pvalue))
    # As R's wilcox.test: normal approximation with continuity correction.
    w = stats.mannwhitneyu(one, other, alternative="two-sided", method="asymptotic", use_continuity=True)
    return Significance("Wilcoxon rank sum", float(w.statistic), None, float(w.pvalue))
