"""Volumes to sets that were taken alike, one after the other: the dynamic series is the set with several of them.

A phase may be a series of its own, so sets reach over series: same frame of reference, plane, matrix and sequence, and
mostly the same places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isclose

import numpy as np

from shared.domain.identity import Side
from shared.domain.images import RejectedSeries
from shared.imaging.contrast import contrast_given
from shared.imaging.dynamic import FrameHeader, ImageProblem, ImageTrouble
from shared.imaging.phases import Clock, TimePoint

_SAME_PLACES = 0.5
"""Share of common slices from which two volumes are phases of one series; one of them may be incomplete."""
_COPY = "It shows the phases of another series once more, processed differently."
_LIKE = 0.02
"""Share by which repetition and echo time of phases may differ."""


@dataclass(frozen=True, slots=True)
class DynamicSet:
    """The volumes of the dynamic series, and what else looked like them."""

    points: tuple[TimePoint, ...]
    others: tuple[TimePoint, ...] = ()
    """Volumes of other sets."""
    rejected: tuple[RejectedSeries, ...] = ()
    remarks: tuple[str, ...] = ()


def selected(points: Sequence[TimePoint], side: Side | None) -> DynamicSet | ImageTrouble:
    """Return the set with several phases, or the one volume with contrast where no set has several."""
    sets, copies = _without_copies(_sets(points))
    found = _of_sets(sets, side)
    return found if isinstance(found, ImageTrouble) else replace(found, rejected=(*found.rejected, *copies))


def _of_sets(sets: Sequence[tuple[TimePoint, ...]], side: Side | None) -> DynamicSet | ImageTrouble:
    dynamic = [one for one in sets if len(one) > 1]
    if not dynamic:
        return _single(sets)
    if len(dynamic) > 1:
        return _one_of(dynamic, sets, side)
    return _taken(dynamic[0], sets, "It is a single volume, not a phase of the dynamic series.")


def _without_copies(
    sets: Sequence[tuple[TimePoint, ...]],
) -> tuple[list[tuple[TimePoint, ...]], tuple[RejectedSeries, ...]]:
    """Leave out the same phases stored twice, as scanners do that correct motion, distortion or brightness.

    The version with the most phases is kept, of equal ones that with the lowest series number: the first one made.
    """
    kept: list[tuple[TimePoint, ...]] = []
    left: dict[str, None] = {}
    for one in sets:
        versions: dict[tuple[str, tuple[str, ...]], list[TimePoint]] = {}
        for point in one:
            versions.setdefault((point.head.series_instance_uid, point.head.image_type), []).append(point)
        chosen: list[TimePoint] = []
        for version in sorted(versions.values(), key=lambda points: (-len(points), points[0].head.series_number or 0)):
            taken = {_when(point) for point in chosen} - {None}
            if any(_when(point) in taken for point in version):
                left[version[0].head.series_instance_uid] = None
            else:
                chosen += version
        kept.append(tuple(chosen))
    return kept, tuple(RejectedSeries(uid, _COPY) for uid in left)


def _when(point: TimePoint) -> float | None:
    """Return the second in which a phase began; None where its scanner does not say."""
    began = point.times.get(Clock.ACQUISITION)
    return None if began is None else round(began)


def _sets(points: Sequence[TimePoint]) -> list[tuple[TimePoint, ...]]:
    sets: list[list[TimePoint]] = []
    for one in sorted(points, key=lambda point: -len(point.frames)):
        home = next((there for there in sets if _phases_of_one(there[0], one)), None)
        if home is None:
            sets.append([one])
        else:
            home.append(one)
    return [tuple(one) for one in sets]


def _phases_of_one(a: TimePoint, b: TimePoint) -> bool:
    return _taken_alike(a.head, b.head) and len(a.places & b.places) >= _SAME_PLACES * len(b.places)


def _taken_alike(a: FrameHeader, b: FrameHeader) -> bool:
    """Tell whether plane, matrix and sequence are the same."""
    planes = ((one.frame_of_reference_uid, one.rows, one.columns) for one in (a, b))
    spacings = a.pixel_spacing or (0, 0), b.pixel_spacing or (0, 0)
    facing = a.orientation or (), b.orientation or ()
    if len(set(planes)) > 1 or not np.allclose(*spacings, rtol=_LIKE) or not np.allclose(*facing, atol=_LIKE):
        return False
    return (
        _like(a.repetition_ms, b.repetition_ms)
        and _like(a.echo_ms, b.echo_ms)
        and _like(a.flip_degrees, b.flip_degrees)
    )


def _like(a: float | None, b: float | None) -> bool:
    return a is None or b is None or isclose(a, b, rel_tol=_LIKE, abs_tol=0.02)


def _taken(chosen: Sequence[TimePoint], sets: Sequence[Sequence[TimePoint]], reason: str) -> DynamicSet:
    others = tuple(point for one in sets if one is not chosen for point in one)
    used = {point.head.series_instance_uid for point in chosen}
    left = dict.fromkeys(uid for point in others if (uid := point.head.series_instance_uid) not in used)
    return DynamicSet(tuple(chosen), others, tuple(RejectedSeries(uid, reason) for uid in left))


def _single(sets: Sequence[tuple[TimePoint, ...]]) -> DynamicSet | ImageTrouble:
    """Take the one volume, or the one of them with contrast."""
    if len(sets) == 1:
        return DynamicSet(sets[0])
    given = [one for one in sets if contrast_given(one[0].head)]
    if len(given) == 1:
        return _taken(given[0], sets, "It is a T1-weighted volume for which no contrast is stated.")
    volumes = f"{len(sets)} T1-weighted volumes of different geometry or sequence"
    stated = "contrast is stated for several of them" if given else "none states contrast"
    text = f"The study holds {volumes} and no series with several phases; {stated}."
    return ImageTrouble(ImageProblem.GEOMETRY_DIFFERS if given else ImageProblem.NO_DYNAMIC_SERIES, text)


def _one_of(
    dynamic: Sequence[tuple[TimePoint, ...]], sets: Sequence[tuple[TimePoint, ...]], side: Side | None
) -> DynamicSet | ImageTrouble:
    """Decide between several sets with phases: one per breast, a second examination, or a coarser, faster series."""
    first, second = dynamic[0], dynamic[1]
    alike = _same_sequence(first[0].head, second[0].head)
    if alike and not first[0].places & second[0].places and _overlap(first, second):
        return _of_side(dynamic, sets, side)
    if alike and min(len(first), len(second)) > 2 and not _overlap(first, second):
        text = "The study holds two dynamic series, one after the other: which injection is to be measured is unclear."
        return ImageTrouble(ImageProblem.TWO_INJECTIONS, text)
    finest = min(dynamic, key=lambda one: (_voxel_mm3(one[0]), -len(one)))
    return _taken(
        finest, sets, "It is another series with several phases, or a single volume; the finest one is measured."
    )


def _same_sequence(a: FrameHeader, b: FrameHeader) -> bool:
    return _same_echo(a, b) and (a.rows, a.columns) == (b.rows, b.columns)


def _same_echo(a: FrameHeader, b: FrameHeader) -> bool:
    return _like(a.repetition_ms, b.repetition_ms) and _like(a.echo_ms, b.echo_ms)


def _overlap(a: Sequence[TimePoint], b: Sequence[TimePoint]) -> bool:
    """Tell whether both were taken in the same stretch of time; true where no clock tells."""
    for clock in (Clock.ACQUISITION, Clock.CONTENT):
        times = [[point.times[clock] for point in one if clock in point.times] for one in (a, b)]
        if times[0] and times[1]:
            return min(times[0]) <= max(times[1]) and min(times[1]) <= max(times[0])
    return True


def _of_side(
    dynamic: Sequence[tuple[TimePoint, ...]], sets: Sequence[tuple[TimePoint, ...]], side: Side | None
) -> DynamicSet | ImageTrouble:
    """Take the series of the breast the case is about: in LPS, left is where x grows (PS3.3 C.7.6.2.1.1)."""
    ordered = sorted(dynamic, key=_middle_x)
    if side not in (Side.LEFT, Side.RIGHT) or len(dynamic) > 2:
        text = "Each breast has a dynamic series of its own, and nothing says which breast is meant."
        return ImageTrouble(ImageProblem.BILATERAL, text)
    chosen = ordered[-1] if side is Side.LEFT else ordered[0]
    return _taken(chosen, sets, f"It is not the dynamic series of the {side.value} breast.")


def _middle_x(points: Sequence[TimePoint]) -> float:
    return float(np.mean([one.position[0] for one in points[0].frames if one.position]))


def _voxel_mm3(point: TimePoint) -> float:
    a, b = point.head.pixel_spacing or (9.0, 9.0)
    return a * b * (point.head.slice_thickness or 9.0)


def earlier_without_contrast(chosen: DynamicSet, first: TimePoint) -> TimePoint | None:
    """Return the one volume of another geometry that was taken alike before ``first``, without contrast; None else."""
    start = first.times.get(Clock.ACQUISITION)
    if start is None:
        return None
    before = [
        one
        for one in chosen.others
        if one.times.get(Clock.ACQUISITION, start) < start
        and not contrast_given(one.head)
        and _same_echo(one.head, first.head)
    ]
    return before[0] if len(before) == 1 else None
