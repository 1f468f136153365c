"""Which laboratory values are of one draw. Pure; the order in which they arrived does not matter.

A draw is the tightest span of days, at most ``span`` long, that holds the most analytes. What else was measured so near
to it repeats it and opens nothing, unless it is a complete draw of its own. So a hsCRP that is repeated every day makes
one question a week and not seven, and a stray value never takes part of a complete draw away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta

from shared.domain.facts import Fact, FactName

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Draw:
    """The values of one draw."""

    first: date
    last: date
    analytes: frozenset[FactName]
    facts: frozenset[str]
    """``fact_id`` of its values."""

    @property
    def days(self) -> int:
        """Return how many days lie between its first and its last value."""
        return (self.last - self.first) // _DAY


def draws(
    values: Sequence[Fact], analytes: Set[FactName], span: timedelta, wanted: Callable[[Draw], bool]
) -> list[Draw]:
    """Return the draws, earliest first.

    ``analytes``: what makes a complete draw. ``wanted``: whether a run of values, each near the next, is looked at.
    """
    mine = sorted((one for one in values if one.name in analytes), key=lambda one: (one.effective_date, one.fact_id))
    found: list[Draw] = []
    for run in _runs(mine, span):
        if wanted(_draw(run)):
            found += _of_run(run, len(analytes), span)
    return sorted(found, key=lambda one: (one.first, one.last))


def _runs(values: Sequence[Fact], span: timedelta) -> Iterator[list[Fact]]:
    """Yield values in runs; between two runs lies more than ``span``, so no draw reaches over it."""
    run: list[Fact] = []
    for value in values:
        if run and value.effective_date - run[-1].effective_date > span:
            yield run
            run = []
        run.append(value)
    if run:
        yield run


def _of_run(values: list[Fact], complete: int, span: timedelta) -> list[Draw]:
    found: list[Draw] = []
    left = values
    while left:
        core = _fullest(left, span)
        if len(core.analytes) < complete and found:
            left = [one for one in left if not any(_repeats(one, draw, span) for draw in found)]
            core = _fullest(left, span) if left else core
        if left:
            found.append(core)
            left = [one for one in left if one.fact_id not in core.facts]
    return found


def _fullest(values: Sequence[Fact], span: timedelta) -> Draw:
    """Return the window with the most analytes; of several the shortest, then the earliest."""
    return min(_windows(values, span), key=lambda one: (-len(one.analytes), one.days, one.first))


def _windows(values: Sequence[Fact], span: timedelta) -> Iterator[Draw]:
    """Yield, for every day that has a value, the shortest window from it on that holds all that can be reached."""
    for start, value in enumerate(values):
        if start and values[start - 1].effective_date == value.effective_date:
            continue
        reach = values[start : start + _reach(values, start, span)]
        names = {one.name for one in reach}
        last = max(next(one.effective_date for one in reach if one.name is name) for name in names)
        yield _draw([one for one in reach if one.effective_date <= last])


def _reach(values: Sequence[Fact], start: int, span: timedelta) -> int:
    end = values[start].effective_date + span
    count = 0
    while start + count < len(values) and values[start + count].effective_date <= end:
        count += 1
    return count


def _repeats(value: Fact, draw: Draw, span: timedelta) -> bool:
    """Tell whether a value is so near to every value of a draw that it could have been one of it."""
    return draw.last - span <= value.effective_date <= draw.first + span


def _draw(values: Sequence[Fact]) -> Draw:
    days = [one.effective_date for one in values]
    return Draw(min(days), max(days), frozenset(one.name for one in values), frozenset(one.fact_id for one in values))
