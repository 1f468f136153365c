"""The cohort as a reader meets it: who, how many, how long, and table 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.model_factory.handlers.cohort.facts import CohortFacts, Table1Row
from services.model_factory.handlers.cohort.people import Described, People
from services.model_factory.handlers.cohort.typed import (
    CENSORED,
    COMPETING,
    Categorical,
    Counts,
    Flags,
    Measured,
    Numbers,
    TypedCohort,
)
from services.model_factory.handlers.statistics.baseline_table import Cell, continuous_row
from services.model_factory.handlers.statistics.contingency import association
from services.model_factory.handlers.statistics.kaplan_meier import kaplan_meier


@dataclass(frozen=True, slots=True)
class FollowedUp:
    """How long everybody was watched, in years."""

    years: Numbers
    events: Flags
    """Who had the event that was waited for."""
    free: Flags
    """Who was free of that and of any competing event to the end."""

    @property
    def median(self) -> float:
        """Return the median by the reverse Kaplan-Meier estimate; the longest where it is not reached."""
        watched = kaplan_meier(self.years, self.free).median()
        return watched if watched is not None else self.longest

    @property
    def last_event(self) -> float:
        """Return when the last event was seen; 0 without any."""
        return float(self.years[self.events].max()) if self.events.any() else 0.0

    @property
    def longest(self) -> float:
        """Return the longest follow-up."""
        return float(self.years.max())


def cohort_facts(
    cohort: Described,
    columns: int = 0,
    followed: FollowedUp | None = None,
    competing_event: str = "",
    competing_events: int = 0,
) -> CohortFacts:
    """Return the cohort in numbers.

    Args:
        cohort: Whose.
        columns: Of its design matrix.
        followed: None where nobody was followed up: those numbers are 0.
        competing_event: Its display; empty where the cohort records none.
        competing_events: How many had it.
    """
    return CohortFacts(
        name=cohort.name,
        description=cohort.description,
        event=cohort.event,
        event_display=cohort.event_display,
        competing_event=competing_event,
        patients=cohort.n,
        events=int(cohort.events.sum()),
        competing_events=competing_events,
        candidates=len(cohort.columns),
        candidate_columns=columns,
        median_follow_up_years=followed.median if followed else 0.0,
        last_event_years=followed.last_event if followed else 0.0,
        longest_follow_up_years=followed.longest if followed else 0.0,
        simulated=cohort.simulated,
        flow=cohort.flow,
    )


def survival_facts(cohort: TypedCohort, columns: int) -> CohortFacts:
    """Return a cohort with times to an event in numbers; ``columns`` of its design matrix."""
    followed = FollowedUp(cohort.years, cohort.events, np.asarray(cohort.outcome == CENSORED))
    competing = int((cohort.outcome == COMPETING).sum())
    return cohort_facts(cohort, columns, followed, cohort.competing_display, competing)


def table1(cohort: People) -> tuple[Table1Row, ...]:
    """Return the characteristics, overall and by whether the event was seen, with two-sided tests."""
    rows: list[Table1Row] = []
    for column in cohort.columns:
        rows += [_measured(cohort, column)] if isinstance(column, Measured) else _categorical(cohort, column)
    return tuple(rows)


def _measured(cohort: People, column: Measured) -> Table1Row:
    values = cohort.measured[column.name]
    if column.detection_limit is not None:
        values = np.where(np.isneginf(values), column.detection_limit / 2, values)
    row = continuous_row(column.name, values, cohort.events.astype(np.intp))
    cells = dict(zip(np.unique(cohort.events).tolist(), row.groups, strict=True))
    return Table1Row(
        variable=column.display,
        level="",
        unit=column.unit,
        overall=_cell(row.overall),
        without_event=_cell(cells.get(False)),
        with_event=_cell(cells.get(True)),
        missing=row.missing,
        test=row.test.method if row.test else "",
        p=row.test.p if row.test else None,
    )


def _cell(cell: Cell | None) -> str:
    """Mean and standard deviation, or median and quartiles."""
    if cell is None or not cell.n:
        return "-"
    if len(cell.spread) == 1:
        return f"{cell.middle:.4g} ± {cell.spread[0]:.4g}"
    return f"{cell.middle:.4g} ({cell.spread[0]:.4g}, {cell.spread[1]:.4g})"


def _categorical(cohort: People, column: Categorical) -> list[Table1Row]:
    codes, events = cohort.categorical[column.name], cohort.events
    counts = np.array([[int(((codes == k) & (events == e)).sum()) for e in (False, True)] for k in _codes(column)])
    test, p = _association(counts)
    totals = counts.sum(axis=0)
    rows = []
    for place, (level, (without, with_)) in enumerate(zip(column.levels, counts, strict=True)):
        rows.append(
            Table1Row(
                variable=column.display,
                level=level,
                unit="",
                overall=_share(without + with_, totals.sum()),
                without_event=_share(without, totals[0]),
                with_event=_share(with_, totals[1]),
                missing=int((codes < 0).sum()),
                test=test if place == 0 else "",
                p=p if place == 0 else None,
            )
        )
    return rows


def _codes(column: Categorical) -> range:
    return range(len(column.levels))


def _share(count: int, of: int) -> str:
    return f"{count} ({100.0 * count / of:.2f}%)" if of else f"{count}"


def _association(counts: Counts) -> tuple[str, float | None]:
    try:
        found = association(counts)
    except ValueError:
        return "", None
    return found.method, found.p
