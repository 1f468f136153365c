"""What lies in the segments and nobody refers to: erased on demand, and segments that hold nothing are removed.

Nothing is taken for granted: a whole object about whose SOP Instance UID the catalogue knows nothing stays where it is,
because a damaged line of the journal must not cost the object it told of.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from services.dicom_listener.adapters.segment_scan import header_at, is_whole, next_data
from services.dicom_listener.adapters.segments import Segments
from services.dicom_listener.formats.segment_record import PAGE, SegmentRecord, padded
from shared.domain.errors import OutOfResourcesError, UnavailableError
from shared.storage.blobs import sync_folder
from shared.storage.ranges import Place, place_of

log = structlog.get_logger("oncorelay.dicom_listener")

_PER_STEP = 200
"""Segments looked at in one step of the loop."""


@dataclass(slots=True)
class SegmentSweep:
    """One caller at a time per segment is enough: erasing twice changes nothing."""

    segments: Segments
    judged: Callable[[str], int]
    """Segment -> up to which offset it was judged."""
    holders: Callable[[str], tuple[str, ...]]
    """URI of a segment -> URIs of the instances in it."""
    accounted_for: Callable[[str], bool]
    """SOP Instance UID -> whether the catalogue knows of it."""
    _at: int = 0
    _kept: set[str] = field(default_factory=set)
    """Segments without instances that hold something nobody knows of."""

    def __call__(self) -> None:
        """Remove segments that hold nothing any more, a few hundred looked at in one step."""
        names = self.segments.names()
        self._at = 0 if self._at >= len(names) else self._at
        for name in names[self._at : self._at + _PER_STEP]:
            if name not in self._kept and self._is_settled(name) and not self._taken(name):
                self.clear(name, ())
        self._at += _PER_STEP

    def sweep(self, sops: Collection[str]) -> None:
        """Erase in every segment what nobody refers to; records of ``sops`` are nobody's.

        Raises:
            OutOfResourcesError: If the disk refuses.
        """
        gone = frozenset(sops)
        for name in self.segments.names():
            self.clear(name, gone)

    def clear(self, name: str, gone: Collection[str]) -> None:
        """Do so for one segment, and remove it where nothing is left."""
        settled = self._is_settled(name)
        try:
            kept = self._erase(name, gone, settled=settled)
            if settled and not kept and not self._taken(name):
                self._path(name).unlink(missing_ok=True)
                sync_folder(self.segments.folder)
            elif kept and settled:
                self._kept.add(name)
        except FileNotFoundError:
            return
        except OSError as error:
            raise OutOfResourcesError("the disk refuses") from error

    def _is_settled(self, name: str) -> bool:
        """Tell whether nobody writes to it and everything in it was judged."""
        if self.segments.is_open(name):
            return False
        try:
            return next(self.segments.scan(name, self.judged(name)), None) is None
        except (OSError, UnavailableError):
            return False

    def _erase(self, name: str, gone: Collection[str], *, settled: bool) -> int:
        """Erase; return how many objects stay although no instance lies there."""
        path, taken = self._path(name), self._taken(name)
        limit = path.stat().st_size if settled else self.judged(name)
        kept = 0
        for start, end, record in _stretches(path, taken, limit):
            if record and self._must_stay(path, record, gone):
                kept += 1
            else:
                Place(path, start, min(end, path.stat().st_size) - start).erase()
        if kept:
            log.warning("objects_unaccounted_for", segment=name, objects=kept)
        return kept

    def _must_stay(self, path: Path, record: SegmentRecord, gone: Collection[str]) -> bool:
        uid = record.announced.sop_instance_uid
        return uid not in gone and is_whole(path, record) and not self.accounted_for(uid)

    def _taken(self, name: str) -> dict[int, int]:
        """Return where records of instances begin and end."""
        places = (place_of(uri) for uri in self.holders(self._path(name).absolute().as_uri()))
        return {place.offset - PAGE: place.offset + padded(place.length or 0) for place in places}

    def _path(self, name: str) -> Path:
        return self.segments.folder / name


def _stretches(path: Path, taken: dict[int, int], limit: int) -> Iterator[tuple[int, int, SegmentRecord | None]]:
    """Yield (start, end, record) of what no instance occupies before ``limit``: records, and runs of torn pages."""
    starts = sorted(taken)
    torn = 0, 0
    for page, record in _pages(path, taken, starts, limit):
        if record is None and page == torn[1]:
            torn = torn[0], page + PAGE
            continue
        if torn[1]:
            yield *torn, None
        torn = (0, 0) if record else (page, page + PAGE)
        if record:
            yield page, record.end, record
    if torn[1]:
        yield *torn, None


def _pages(
    path: Path, taken: dict[int, int], starts: list[int], limit: int
) -> Iterator[tuple[int, SegmentRecord | None]]:
    """Yield pages with anything in them that no instance occupies: with their record, or torn ones one by one."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        position = 0
        while (page := next_data(descriptor, position)) is not None and page < limit:
            before = bisect_right(starts, page) - 1
            position = taken[starts[before]] if before >= 0 else 0
            if position <= page:
                record = header_at(descriptor, path.name, page)
                yield page, record
                position = record.end if record else page + PAGE
    finally:
        os.close(descriptor)
