"""The cohort as a reader meets it: who, how many, how long, and table 1."""

from __future__ import annotations

import warnings

import numpy as np

from services.model_factory.handlers.cohort.typed import (
    COMPETING,
    Categorical,
    Counts,
    Measured,
    Numbers,
    TypedCohort,
)
from services.model_factory.handlers.statistics.kaplan_meier import kaplan_meier
from services.model_factory.handlers.training.results import CohortFacts, Table1Row

FISHER_BELOW = 5.0
"""Expected count from which Pearson's test is kept (Cochran)."""


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


def table1(cohort: TypedCohort) -> tuple[Table1Row, ...]:
    """Return the characteristics, overall and by whether the event was seen, with two-sided tests."""
    rows: list[Table1Row] = []
    for column in cohort.columns:
        rows += [_measured(cohort, column)] if isinstance(column, Measured) else _categorical(cohort, column)
    return tuple(rows)


def _measured(cohort: TypedCohort, column: Measured) -> Table1Row:
    values = cohort.measured[column.name]
    if column.detection_limit is not None:
        values = np.where(np.isneginf(values), column.detection_limit / 2, values)
    known = ~np.isnan(values)
    events = cohort.events
    return Table1Row(
        variable=column.display,
        level="",
        unit=column.unit,
        overall=_quartiles(values[known]),
        without_event=_quartiles(values[known & ~events]),
        with_event=_quartiles(values[known & events]),
        missing=int((~known).sum()),
        test="Wilcoxon rank sum",
        p=_rank_sum(values[known & events], values[known & ~events]),
    )


def _quartiles(values: Numbers) -> str:
    if not len(values):
        return "-"
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return f"{middle:.4g} ({low:.4g}, {high:.4g})"


def _rank_sum(one: Numbers, other: Numbers) -> float | None:
    from scipy.stats import mannwhitneyu

    if not len(one) or not len(other):
        return None
    return float(mannwhitneyu(one, other, alternative="two-sided", method="asymptotic").pvalue)


def _categorical(cohort: TypedCohort, column: Categorical) -> list[Table1Row]:
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
    """Pearson without continuity correction; Fisher's exact test in a 2 x 2 table with a small expected count."""
    from scipy.stats import chi2_contingency, fisher_exact

    kept = counts[counts.sum(axis=1) > 0]
    if len(kept) < 2 or (kept.sum(axis=0) == 0).any():
        return "", None
    expected = kept.sum(axis=1, keepdims=True) * kept.sum(axis=0) / kept.sum()
    if kept.shape == (2, 2) and expected.min() < FISHER_BELOW:
        return "Fisher's exact", float(fisher_exact(kept).pvalue)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return "Pearson chi-squared", float(chi2_contingency(kept, correction=False).pvalue)
