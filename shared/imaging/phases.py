"""The images of one series to volumes, one per point in time, told apart by the attribute that does so cleanly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from shared.imaging.dynamic import FrameHeader, ImageProblem, ImageTrouble
from shared.imaging.series import Candidate
from shared.imaging.stack import in_slice_order


class Clock(StrEnum):
    """What says when a phase was taken; best first."""

    ACQUISITION = "acquisition time"
    """Acquisition Time, with Trigger Time on top of it where only that one advances."""
    CONTENT = "content time"
    """When the images were made: late, but in order."""
    TRIGGER = "trigger time"
    """Counted from the beginning of the series: of no use across series."""


@dataclass(frozen=True, slots=True)
class TimePoint:
    """One volume of a series, and when it was taken."""

    frames: tuple[FrameHeader, ...]
    """In slice order."""
    times: Mapping[Clock, float] = field(default_factory=dict)
    """Beginning of the phase in seconds, by clock."""
    told_apart_by: str = ""
    """Name of the attribute that separates it from the other phases of its series; empty where it is alone."""
    rank: int = 0
    """Position within its series, from 0."""

    @property
    def head(self) -> FrameHeader:
        """Return its first frame."""
        return self.frames[0]

    @property
    def places(self) -> frozenset[tuple[float, ...]]:
        """Return where its slices lie, to a hundredth of a millimetre."""
        return frozenset(place_of(one) for one in self.frames)


Key = Callable[[FrameHeader], float | None]
_KEYS: tuple[tuple[str, Key], ...] = (
    ("Temporal Position Identifier", lambda one: one.temporal_position),
    ("Acquisition Number", lambda one: one.acquisition_number),
    ("Trigger Time", lambda one: one.trigger_seconds),
    ("Acquisition Time", lambda one: one.acquisition_seconds),
    ("Content Time", lambda one: one.content_seconds),
)
"""Siemens counts phases by Acquisition Number, GE and Philips by Temporal Position Identifier, older GE by time."""


def time_points(candidate: Candidate) -> tuple[TimePoint, ...] | ImageTrouble:
    """Return the volumes of one series in the order of their attribute."""
    repeats = max(Counter(place_of(one) for one in candidate.frames).values())
    if repeats == 1:
        return (_point(candidate.frames, "", 0),)
    for name, key in _KEYS:
        groups = _separated(candidate.frames, key, repeats)
        if groups:
            return _timed(groups, name)
    return _by_order(candidate.frames, repeats)


def place_of(frame: FrameHeader) -> tuple[float, ...]:
    """Return the position of a slice, to a hundredth of a millimetre."""
    return tuple(round(x, 2) + 0.0 for x in frame.position or ())


def _separated(frames: Sequence[FrameHeader], key: Key, repeats: int) -> tuple[tuple[FrameHeader, ...], ...]:
    """Return the groups the attribute makes; none where it does not leave each place once in each group."""
    groups: dict[float, list[FrameHeader]] = {}
    for one in frames:
        value = key(one)
        if value is None:
            return ()
        groups.setdefault(value, []).append(one)
    if len(groups) != repeats or any(len({place_of(one) for one in group}) < len(group) for group in groups.values()):
        return ()
    return tuple(tuple(groups[value]) for value in sorted(groups))


def _by_order(frames: Sequence[FrameHeader], repeats: int) -> tuple[TimePoint, ...] | ImageTrouble:
    """Take the first image of each place as the first phase, and so on: where no attribute counts the phases."""
    at: dict[tuple[float, ...], list[FrameHeader]] = {}
    for one in sorted(frames, key=_order):
        at.setdefault(place_of(one), []).append(one)
    if len({len(there) for there in at.values()}) > 1 or len({_order(one) for one in frames}) < len(frames):
        if any(_counted(frames, key) for _, key in _KEYS[:2]):
            text = f"The phases of a series lie at different places: {len(frames)} images at {len(at)} of them."
            return ImageTrouble(ImageProblem.GEOMETRY_DIFFERS, text)
        text = f"A series holds {len(frames)} images at {len(at)} places, and nothing tells its phases apart."
        return ImageTrouble(ImageProblem.PHASE_MISSING, text)
    return _timed(tuple(tuple(there[k] for there in at.values()) for k in range(repeats)), "the order of its images")


def _counted(frames: Sequence[FrameHeader], key: Key) -> bool:
    """Tell whether a number that counts phases makes volumes of these images, wherever each of them lies."""
    groups: dict[float | None, list[tuple[float, ...]]] = {}
    for one in frames:
        groups.setdefault(key(one), []).append(place_of(one))
    volumes = all(1 < len(set(places)) == len(places) for places in groups.values())
    return volumes and len(groups) > 1 and None not in groups


def _order(one: FrameHeader) -> tuple[float, ...]:
    times = (one.acquisition_seconds, one.trigger_seconds, one.content_seconds, one.instance_number)
    return tuple(0.0 if value is None else float(value) for value in times)


def _timed(groups: Sequence[tuple[FrameHeader, ...]], name: str) -> tuple[TimePoint, ...]:
    points = tuple(_point(group, name, rank) for rank, group in enumerate(groups))
    triggers = _advancing(points, Clock.TRIGGER)
    if not _advancing(points, Clock.ACQUISITION) and triggers:
        return tuple(_with_trigger(one) for one in points)
    return points


def _advancing(points: Sequence[TimePoint], clock: Clock) -> bool:
    """Tell whether every phase has a time of its own on this clock."""
    times = [one.times[clock] for one in points if clock in one.times]
    return len(times) == len(points) == len(set(times))


def _with_trigger(point: TimePoint) -> TimePoint:
    """Count the trigger time from the beginning of the acquisition, where all phases state the same one."""
    if Clock.ACQUISITION not in point.times:
        return point
    start = point.times[Clock.ACQUISITION] + point.times[Clock.TRIGGER]
    times = {**point.times, Clock.ACQUISITION: start}
    return TimePoint(point.frames, times, point.told_apart_by, point.rank)


def _point(frames: Sequence[FrameHeader], name: str, rank: int) -> TimePoint:
    stated = {
        Clock.ACQUISITION: [one.acquisition_seconds for one in frames],
        Clock.CONTENT: [one.content_seconds for one in frames],
        Clock.TRIGGER: [one.trigger_seconds for one in frames],
    }
    times = {
        clock: min(known)
        for clock, values in stated.items()
        if len(known := [value for value in values if value is not None]) == len(frames)
    }
    return TimePoint(in_slice_order(frames), times, name, rank)
