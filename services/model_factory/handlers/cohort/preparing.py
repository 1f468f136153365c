"""Prepare candidates: detection limits, assay limits, logarithms, indicators, missing values; all learned on a fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from services.model_factory.handlers.cohort.chained import Chained, fit_chained
from services.model_factory.handlers.cohort.design import Design, DesignColumn
from services.model_factory.handlers.cohort.people import People
from services.model_factory.handlers.cohort.typed import Categorical, Measured, Numbers
from services.model_factory.handlers.folds.fold import Rows, Seen, TrainingRows, learning_from

SKEWED = 1.0
"""Moment skewness from which a non-negative candidate is taken as ln(1 + value)."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """How values are prepared; ``fit`` learns the details on the training rows of a fold."""

    logarithms: bool
    """ln(1 + value) where the training values are skewed."""
    assay_limits: bool
    """Values above the assay's upper end count as that end."""
    unknown: Literal["level", "missing"]
    """What the level "unknown" is: a level like others, or nothing known."""

    def fit(self, rows: TrainingRows[People]) -> Prepared:
        """Learn which candidates are skewed and what stands for a missing value.

        Raises:
            LeakError: If ``rows`` are not the training rows of a fold.
        """
        seen = learning_from(rows)
        columns = tuple(self._columns(rows))
        raw = _matrix(rows, columns, limited=self.assay_limits, unknown=self.unknown)
        return Prepared(self, columns, fit_chained(raw), seen)

    def _columns(self, rows: TrainingRows[People]) -> list[DesignColumn]:
        found: list[DesignColumn] = []
        for column in rows.cohort.columns:
            if isinstance(column, Measured):
                skewed = self.logarithms and _skewed(detected(rows, column, limited=self.assay_limits))
                found.append(DesignColumn(column.name, column.name, "log1p" if skewed else "identity"))
            else:
                found += [
                    DesignColumn(f"{column.name}_{level}", column.name, "indicator", level)
                    for level in column.levels[1:]
                    if self.unknown == "level" or level != column.unknown
                ]
        return found

    @property
    def words(self) -> tuple[str, ...]:
        """Return the steps as a person reads them."""
        steps = ["values below the detection limit count as half of it"]
        if self.assay_limits:
            steps.append("values above the assay's upper end count as that end")
        if self.logarithms:
            steps.append(f"ln(1 + value) where the training values are non-negative with a skewness above {SKEWED:g}")
        if self.unknown == "level":
            steps.append('"unknown" is a level of its own')
        else:
            steps.append('"unknown" is missing')
        steps.append("missing values: chained ridge regressions on all other columns, learned on the training rows")
        return tuple(steps)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was learned; gives the design of rows it may be applied to."""

    how: Preparation
    columns: tuple[DesignColumn, ...]
    chained: Chained
    seen: Seen

    def design(self, rows: Rows[People]) -> Design:
        """Return the complete design of ``rows``.

        Raises:
            LeakError: If this was learned from patients it must not have seen for ``rows``.
        """
        self.seen.allow(rows)
        raw = _matrix(rows, self.columns, limited=self.how.assay_limits, unknown=self.how.unknown)
        return Design(self.columns, self.chained.complete(raw))


def _matrix(rows: Rows[People], columns: tuple[DesignColumn, ...], *, limited: bool, unknown: str) -> Numbers:
    x = np.empty((rows.n, len(columns)))
    for place, one in enumerate(columns):
        column = rows.cohort.column(one.candidate)
        if isinstance(column, Measured):
            values = detected(rows, column, limited=limited)
            x[:, place] = np.log1p(values) if one.transform == "log1p" else values
        else:
            x[:, place] = _indicator(rows, column, one.level, unknown)
    return x


def detected(rows: Rows[People], column: Measured, *, limited: bool = False) -> Numbers:
    """Return the values with half of the detection limit for what lies below it; NaN is missing."""
    values = rows.measured(column.name)
    if column.detection_limit is not None:
        values = np.where(np.isneginf(values), column.detection_limit / 2.0, values)
    if limited and column.assay_high is not None:
        values = np.where(np.isnan(values), values, np.minimum(values, column.assay_high))
    return values


def _indicator(rows: Rows[People], column: Categorical, level: str, unknown: str) -> Numbers:
    codes = rows.categorical(column.name)
    missing = codes < 0
    if unknown == "missing" and column.unknown:
        missing = missing | (codes == column.levels.index(column.unknown))
    return np.where(missing, np.nan, (codes == column.levels.index(level)).astype(np.float64))


def _skewed(values: Numbers) -> bool:
    known = values[~np.isnan(values)]
    if not len(known) or known.min() < 0 or known.std() == 0:
        return False
    return bool((((known - known.mean()) / known.std()) ** 3).mean() > SKEWED)
