"""The phases of one dynamic series on one clock: their order, their distances, and what is missing among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from shared.imaging.contrast import Brightened, Onset, onset_of
from shared.imaging.dynamic import ImageProblem, ImageTrouble
from shared.imaging.phases import Clock, TimePoint

EARLY_SECONDS = (90.0, 150.0)
"""Rule of the measured phase: methods of paper 000 as read, and ACR/EUSOBI timing of the first phase."""
_LONGEST_PHASE_S = 120.0
"""Breast phases take 60 to 120 s; a longer distance has a pause in it."""
_SECOND_SERIES_S = 900.0
"""A pause so long, with several phases behind it, is the beginning of another examination."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Phases in order of time."""

    points: tuple[TimePoint, ...]
    clock: Clock | None
    """What tells the order; None: only their numbers do."""
    missing: frozenset[int] = frozenset()
    """Temporal Position Identifiers that are declared and not there."""

    @property
    def starts(self) -> tuple[float, ...] | None:
        """Return when each phase began, in seconds on the clock."""
        return tuple(one.times[self.clock] for one in self.points) if self.clock else None

    @property
    def told_apart(self) -> str:
        """Return in words what separates and orders the phases."""
        names = list(dict.fromkeys(one.told_apart_by for one in self.points if one.told_apart_by))
        how = f"told apart by {' and '.join(names)}" if names else "each a series of its own"
        return f"{how}, in order of {self.clock.value}" if self.clock else how

    @property
    def remarks(self) -> tuple[str, ...]:
        """Return what a reader should know of the order and of what is missing."""
        said = []
        if self.clock is Clock.CONTENT:
            said.append("the phases state no time of acquisition; the times are those at which the images were made")
        if self.missing:
            numbers = ", ".join(str(one) for one in sorted(self.missing)[:8])
            said.append(f"the series declares phases that are not there: {numbers}")
        most = max(len(one.frames) for one in self.points)
        short = sum(len(one.frames) < most for one in self.points)
        if short:
            said.append(f"{short} of {len(self.points)} phases have fewer slices than the others")
        return tuple(said)

    def onset(self, brightened: Brightened | None) -> Onset | ImageTrouble:
        """Return where contrast begins."""
        if 1 in self.missing:
            return Onset(0, "the first phase is missing")
        starts = self.starts if self.clock is Clock.ACQUISITION else None
        return onset_of(self.points, starts, brightened)

    def since_injection(self, onset: Onset) -> tuple[float | None, ...]:
        """Return the middle of each phase after the injection, else after the end of the last phase before it.

        None where neither is known, or nothing tells how long a phase lasts.
        """
        starts, lasts, before = self.starts, self.lasts(onset), onset.before
        if starts is None:
            return (None,) * len(self.points)
        if onset.bolus is not None:
            return tuple(round(one + (lasts or 0.0) / 2 - onset.bolus, 2) for one in starts)
        if lasts is None or not 0 < before < len(starts):
            return (None,) * len(self.points)
        zero = min(starts[before], starts[before - 1] + lasts)
        return tuple(round(one + lasts / 2 - zero, 2) for one in starts)

    def lasts(self, onset: Onset) -> float | None:
        """Return how many seconds a phase lasts: as stated, but no longer than from one to the next.

        Where nothing is stated, the shortest distance after contrast counts: scanners then go on without a pause.
        """
        known = [each.duration_seconds for one in self.points for each in one.frames[:1] if each.duration_seconds]
        steps = [later - earlier for earlier, later in pairwise((self.starts or ())[onset.before :])]
        if known:
            return min([*known, *steps])
        return min([*steps, _LONGEST_PHASE_S]) if steps else None

    def gap_nearer(self, early: int, seconds: Sequence[float | None], first: int) -> bool:
        """Tell whether a missing phase would have lain nearer the window than the one that was picked."""
        numbers = [one.head.temporal_position or 0 for one in self.points]
        low, high = numbers[max(first - 1, 0)], numbers[-1]
        known = [when for when in seconds if when is not None]
        for number in self.missing:
            if len(known) < len(seconds):
                nearer = low < number < numbers[early]
            else:
                when = float(np.interp(number, numbers, known))
                nearer = low < number < high and early_distance(when) < early_distance(known[early])
            if nearer:
                return True
        return False


def early_distance(when: float | None) -> float:
    """Return how far a phase lies outside the window, in seconds; 0 where its time is not known."""
    low, high = EARLY_SECONDS
    return 0.0 if when is None else max(low - when, when - high, 0.0)


def timeline_of(points: Sequence[TimePoint]) -> Timeline | ImageTrouble:
    """Return the phases in order of time; by number where no clock gives each a time of its own."""
    ordered, clock = _in_time(points)
    line = Timeline(ordered, clock, _missing(ordered))
    starts = line.starts or ()
    pauses = [later - earlier for earlier, later in pairwise(starts)]
    for index, pause in enumerate(pauses):
        if pause > _SECOND_SERIES_S and index > 0 and len(pauses) - index > 2:
            minutes = f"{pause / 60:.0f} minutes"
            text = f"Between phases {index + 1} and {index + 2} lie {minutes}: two examinations in one study."
            return ImageTrouble(ImageProblem.TWO_INJECTIONS, text)
    return line


def _in_time(points: Sequence[TimePoint]) -> tuple[tuple[TimePoint, ...], Clock | None]:
    one_series = len({one.head.series_instance_uid for one in points}) == 1
    for clock in Clock if one_series else (Clock.ACQUISITION, Clock.CONTENT):
        times = [one.times[clock] for one in points if clock in one.times]
        if len(points) == len(times) == len(set(times)) > 1:
            return tuple(sorted(points, key=lambda one: one.times[clock])), clock
    return tuple(sorted(points, key=lambda one: (one.head.series_number or 0, one.rank))), None


def _missing(points: Sequence[TimePoint]) -> frozenset[int]:
    """Return the numbers a series of several phases declares (0020,0105) and does not hold."""
    present = {one.head.temporal_position for one in points}
    declared = {one.head.temporal_positions for one in points}
    if None in present or len(declared) > 1 or len({one.head.series_instance_uid for one in points}) > 1:
        return frozenset()
    count = declared.pop() or 0
    if not len(points) <= count <= 1000:
        return frozenset()
    return frozenset(range(1, count + 1)) - {one for one in present if one is not None}
