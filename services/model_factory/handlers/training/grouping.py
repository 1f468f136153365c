"""Kaplan-Meier curves of groups, by the best cut of a measured variable or by level; cumulative incidence."""

from __future__ import annotations

import numpy as np

from services.model_factory.handlers.cohort.preparing import detected
from services.model_factory.handlers.cohort.typed import (
    COMPETING,
    EVENT,
    Categorical,
    Flags,
    Measured,
    Numbers,
)
from services.model_factory.handlers.folds.fold import TrainingRows, learning_from
from services.model_factory.handlers.statistics.aalen_johansen import aalen_johansen
from services.model_factory.handlers.statistics.kaplan_meier import kaplan_meier, log_log_interval
from services.model_factory.handlers.statistics.logrank import logrank
from services.model_factory.handlers.statistics.maxstat import best_cut
from services.model_factory.handlers.training.curves import (
    CumulativeIncidence,
    MaximalCut,
    SurvivalByGroup,
    SurvivalStep,
)


def maximal_cut(rows: TrainingRows, column: Measured, rng: np.random.Generator, resamples: int) -> MaximalCut:
    """Search the cut of ``column`` on the training rows.

    Raises:
        LeakError: If ``rows`` are not training rows.
        ValueError: If the values leave no cut.
    """
    learning_from(rows)
    values = detected(rows, column)
    known = ~np.isnan(values)
    permutations = max(10 * resamples - 1, 99)
    best = best_cut(
        values[known], rows.years[known], rows.events[known], rng, permutations=permutations, repeats=max(resamples, 1)
    )
    low, high = best.cut.interval
    return MaximalCut(
        variable=column.name,
        unit=column.unit,
        cut=best.cut.value,
        statistic=best.statistic,
        p=best.p.value,
        interval=(low, high) if np.isfinite([low, high]).all() else None,
        cuts=_plain(best.cuts),
        statistics=_plain(best.curve),
    )


def by_cut(rows: TrainingRows, column: Measured, cut: MaximalCut) -> SurvivalByGroup:
    """Return the curves at most at the cut, and above it."""
    values = detected(rows, column)
    groups = [
        (f"at most {cut.cut:g} {column.unit}", np.asarray(values <= cut.cut)),
        (f"above {cut.cut:g} {column.unit}", np.asarray(values > cut.cut)),
    ]
    return _curves(
        rows, column.name, "by the maximally selected cut; the log-rank p does not know of the search", groups
    )


def by_level(rows: TrainingRows, column: Categorical) -> SurvivalByGroup:
    """Return one curve per level that anybody has.

    Raises:
        ValueError: If there are fewer than two such levels.
    """
    codes = rows.categorical(column.name)
    groups = [(level, np.asarray(codes == place)) for place, level in enumerate(column.levels)]
    return _curves(rows, column.name, "by level", [one for one in groups if one[1].any()])


def incidence(rows: TrainingRows) -> CumulativeIncidence | None:
    """Return the curves of event and competing event; None where no competing event is recorded."""
    outcome = rows.cohort.outcome[rows.index]
    if not (outcome == COMPETING).any():
        return None
    event, competing = (aalen_johansen(rows.years, outcome, cause) for cause in (EVENT, COMPETING))
    alone = kaplan_meier(rows.years, rows.events)
    return CumulativeIncidence(
        _plain(event.times), _plain(event.incidence), _plain(competing.incidence), _plain(1.0 - alone.at(event.times))
    )


def _curves(rows: TrainingRows, variable: str, grouping: str, groups: list[tuple[str, Flags]]) -> SurvivalByGroup:
    return group_curves(rows.years, rows.events, variable, grouping, groups)


def group_curves(
    years: Numbers, events: Flags, variable: str, grouping: str, groups: list[tuple[str, Flags]]
) -> SurvivalByGroup:
    """Return one curve per (name, members) with the log-rank test between them.

    Raises:
        ValueError: If there are fewer than two groups.
    """
    member = np.full(len(years), -1, dtype=np.intp)
    for place, (_, inside) in enumerate(groups):
        member[inside] = place
    counted = member >= 0
    test = logrank(years[counted], events[counted], member[counted])
    curves = tuple(_step(years, events, name, inside) for name, inside in groups)
    return SurvivalByGroup(variable, grouping, curves, test.statistic or 0.0, test.p)


def _step(all_years: Numbers, all_events: Flags, name: str, inside: Flags) -> SurvivalStep:
    years, events = all_years[inside], all_events[inside]
    curve = kaplan_meier(years, events)
    low, high = log_log_interval(curve.survival, curve.variance)
    whole = range(int(np.ceil(all_years.max())) + 1)
    return SurvivalStep(
        name, int(inside.sum()), int(events.sum()), _plain(curve.times), _plain(curve.survival), _plain(low),
        _plain(high), tuple(int((years >= year).sum()) for year in whole),
    )  # fmt: skip


def _plain(values: Numbers) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
