"""The patients as the paper's tables 1 to 3 show them, with the tests that suit: two columns, the event named."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from services.model_factory.handlers.cohort.facts import CohortFacts, Table1Row
from services.model_factory.handlers.cohort.imaged import ImagedCohort
from services.model_factory.handlers.cohort.typed import Categorical, Flags, Measured, Numbers
from services.model_factory.handlers.folds.fold import Fold
from services.model_factory.handlers.statistics.effect_table import EffectRow
from services.model_factory.handlers.statistics.estimates import Estimate
from services.model_factory.handlers.statistics.odds_table import odds_ratios
from services.model_factory.handlers.training.describing import FollowedUp, cohort_facts, table1
from services.model_factory.handlers.training.stated import EffectLine, Ratio

TOGETHER = ("er", "her2", "t")
"""Named beforehand (methods 1.2): what is not known at baseline (cycles) and what the paper's own steps dropped stays
out of the multivariable column."""


def facts(cohort: ImagedCohort, columns: int) -> CohortFacts:
    """Return the cohort in numbers; follow-up is that of disease-free survival, 0 where none is recorded."""
    later = cohort.follow_up
    return cohort_facts(cohort, columns, FollowedUp(later.years, later.events, ~later.events) if later else None)


def by_event(cohort: ImagedCohort) -> tuple[Table1Row, ...]:
    """Return the characteristics, without and with the event (the paper's table 2)."""
    return table1(cohort)


def by_split(fold: Fold[ImagedCohort]) -> tuple[Table1Row, ...]:
    """Return the characteristics of whom is learned from (``without_event``) against whom is held out."""
    held_out: Flags = np.zeros(fold.cohort.n, dtype=np.bool_)
    held_out[fold.left_out] = True
    return table1(dataclasses.replace(fold.cohort, events=held_out))


def effects(cohort: ImagedCohort) -> tuple[EffectLine, ...]:
    """Return odds ratios of the event, every column alone, those of ER, HER2 and T together (the paper's table 3).

    A patient in whom a column is missing is left out of that column's line.
    """
    lines = list(_columns(cohort))
    joint = [one for one in lines if one[1] in TOGETHER]
    complete = np.all([np.isfinite(values) for *_, values in joint], axis=0) if joint else cohort.events
    names = [name for name, *_ in joint]
    x = np.column_stack([values for *_, values in joint])[complete] if joint else np.empty((0, 0))
    beside = {row.name: row for row in odds_ratios(x, cohort.events[complete], names, names)} if joint else {}
    return tuple(_line(cohort, one, beside.get(one[0])) for one in lines)


_Column = tuple[str, str, str, Numbers]


def _columns(cohort: ImagedCohort) -> Iterator[_Column]:
    """Yield (name, candidate, level, values), NaN where missing."""
    for column in cohort.columns:
        if isinstance(column, Measured):
            yield column.name, column.name, "", cohort.measured[column.name]
        elif isinstance(column, Categorical):
            codes = cohort.categorical[column.name]
            for place, level in enumerate(column.levels):
                if place and level != column.unknown:
                    values = np.where(codes < 0, np.nan, (codes == place).astype(np.float64))
                    yield f"{column.name}_{level}", column.name, level, values


def _line(cohort: ImagedCohort, one: _Column, joint: EffectRow | None) -> EffectLine:
    name, candidate, level, values = one
    known = np.isfinite(values)
    (alone,) = odds_ratios(values[known][:, None], cohort.events[known], [name], [])
    return EffectLine(
        name, candidate, "indicator" if level else "identity", level,
        _ratio(alone.univariable, alone.univariable_p),
        _ratio(joint.multivariable, joint.multivariable_p) if joint else None,
    )  # fmt: skip


def _ratio(found: Estimate | None, p: float | None) -> Ratio | None:
    return None if found is None or p is None else Ratio(found.value, found.interval, p)
