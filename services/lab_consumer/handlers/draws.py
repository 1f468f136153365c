"""Which laboratory values are of one draw. Pure; the order in which they arrived does not matter.

A draw is the tightest span of days, at most ``span`` long, that holds the most analytes. What else was measured so near
to it repeats it and opens nothing, unless it is a complete draw of its own. So a hsCRP that is repeated every day makes
one question a week and not seven, and a stray value never takes part of a complete draw away.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from heapq import heappop, heappush

from services.lab_consumer.ports.panels import Measured

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Draw:
    """The values of one draw."""

    first: date
    last: date
    analytes: frozenset[str]
    facts: frozenset[str]
    """``fact_id`` of its values."""

    @property
    def days(self) -> int:
        """Return how many days lie between its first and its last value."""
        return (self.last - self.first) // _DAY


def draws(
    values: Sequence[Measured], analytes: Set[str], span: timedelta, wanted: Callable[[Draw], bool]
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


def _runs(values: Sequence[Measured], span: timedelta) -> Iterator[list[Measured]]:
    """Yield values in runs; between two runs lies more than ``span``, so no draw reaches over it."""
    run: list[Measured] = []
    for value in values:
        if run and value.effective_date - run[-1].effective_date > span:
            yield run
            run = []
        run.append(value)
    if run:
        yield run


def _of_run(values: list[Measured], complete: int, span: timedelta) -> list[Draw]:
    """Take the fullest window, again and again; once only incomplete ones are left, without what repeats a draw."""
    run = _Run(values, span)
    found: list[Draw] = []
    while (core := run.fullest()) is not None:
        if len(core.analytes) < complete and found:
            run.drop_repeats(found)
            core = run.fullest()
        if core is not None:
            run.take(core)
            found.append(core)
    return found


class _Run:
    """The values of a run that are in no draw yet, and the windows they make, best first.

    A window whose values are all left is as good as when it was measured, because values only ever leave; one that has
    lost some is measured anew when its turn comes.
    """

    def __init__(self, values: list[Measured], span: timedelta) -> None:
        self._values, self._span = values, span
        self._days = [one.effective_date for one in values]
        self._left = {one.fact_id for one in values}
        self._windows: list[tuple[int, int, date, Draw]] = []
        self._dropped = 0
        for day in sorted(set(self._days)):
            self._measure(day)

    def fullest(self) -> Draw | None:
        """Return the window with the most analytes; of several the shortest, then the earliest."""
        while self._windows:
            window = self._windows[0][-1]
            if window.facts <= self._left:
                return window
            heappop(self._windows)
            self._measure(window.first)
        return None

    def take(self, draw: Draw) -> None:
        """Remove the values of a draw."""
        self._left -= draw.facts

    def drop_repeats(self, found: Sequence[Draw]) -> None:
        """Remove what is so near to every value of a draw that it could have been one of it."""
        for draw in found[self._dropped :]:
            start, end = (
                bisect_left(self._days, draw.last - self._span),
                bisect_right(self._days, draw.first + self._span),
            )
            self._left -= {one.fact_id for one in self._values[start:end]}
        self._dropped = len(found)

    def _measure(self, day: date) -> None:
        """Measure the shortest window from a day on that holds all analytes that can be reached from there."""
        start, end = bisect_left(self._days, day), bisect_right(self._days, day + self._span)
        reach = [one for one in self._values[start:end] if one.fact_id in self._left]
        if not reach or reach[0].effective_date != day:
            return
        last = max({one.name: one.effective_date for one in reversed(reach)}.values())
        window = _draw([one for one in reach if one.effective_date <= last])
        heappush(self._windows, (-len(window.analytes), window.days, day, window))


def _draw(values: Sequence[Measured]) -> Draw:
    days = [one.effective_date for one in values]
    return Draw(min(days), max(days), frozenset(one.name for one in values), frozenset(one.fact_id for one in values))
