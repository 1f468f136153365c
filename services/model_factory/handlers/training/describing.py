"""The cohort as a reader meets it: who, how many, how long, and table 1."""

from __future__ import annotations

import numpy as np

from services.model_factory.handlers.cohort.people import People
from services.model_factory.handlers.cohort.typed import (
    COMPETING,
    Categorical,
    Counts,
    Measured,
    TypedCohort,
)
from services.model_factory.handlers.statistics.baseline_table import Cell, continuous_row
from services.model_factory.handlers.statistics.contingency import association
from services.model_factory.handlers.statistics.kaplan_meier import kaplan_meier
from services.model_factory.handlers.training.results import CohortFacts, Table1Row


def cohort_facts(cohort: TypedCohort, columns: int) -> CohortFacts:
    """Return the cohort in numbers; ``columns`` of its design matrix."""
    events = cohort.events
    watched = kaplan_meier(cohort.years, cohort.outcome == 0).median()
    return CohortFacts(
        name=cohort.name,
        description=cohort.description,
        event=cohort.event,
        event_display=cohort.event_display,
        competing_event=cohort.competing_display,
        patients=cohort.n,
        events=int(events.sum()),
        competing_events=int((cohort.outcome == COMPETING).sum()),
        candidates=len(cohort.columns),
        candidate_columns=columns,
        median_follow_up_years=watched if watched is not None else float(cohort.years.max()),
        last_event_years=float(cohort.years[events].max()) if events.any() else 0.0,
        longest_follow_up_years=float(cohort.years.max()),
        simulated=cohort.simulated,
        flow=cohort.flow,
    )


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
