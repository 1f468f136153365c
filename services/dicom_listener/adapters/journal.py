"""The append-only journal: what is in it has happened, whatever becomes of the rest.

One segment file per start of the process, and another after a write or sync that failed. A line torn by a crash stays
where it is, was never acknowledged, and is skipped when the journal is read. Concurrent writers share one fsync (group
commit).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import structlog

from services.dicom_listener.formats.journal_line import decode, encode
from services.dicom_listener.ports.records import Record
from shared.domain.errors import OutOfResourcesError
from shared.storage.blobs import sync_folder

log = structlog.get_logger("oncorelay.dicom_listener")


@dataclass(frozen=True, slots=True)
class JournalFolder:
    """The segments, in order; ``000001.jsonl`` was written first."""

    folder: Path

    def segments(self) -> tuple[int, ...]:
        """Return the numbers of the segments that exist."""
        return tuple(sorted(int(path.stem) for path in self.folder.glob("*.jsonl")))

    def read(self, segment: int) -> Iterator[Record]:
        """Yield the whole records of one segment; damaged lines are counted in the log."""
        damaged = 0
        with self._path(segment).open("rb") as stream:
            for line in stream:
                record = decode(line[:-1]) if line.endswith(b"\n") else None
                damaged += record is None
                if record is not None:
                    yield record
        if damaged:
            log.warning("journal_lines_damaged", segment=segment, lines=damaged)

    def begin(self) -> tuple[int, JournalWriter]:
        """Begin a new segment; return its number and its writer (the caller closes it)."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for part in self.folder.glob("*.part"):
            part.unlink()
        number = self._next()
        return number, JournalWriter(self._fresh(b""), self._fresh)

    def _next(self) -> int:
        return max(self.segments(), default=0) + 1

    def _fresh(self, content: bytes) -> int:
        """Begin another segment behind all, with ``content`` on disk; return its descriptor."""
        path = self._path(self._next())
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            while content:
                content = content[os.write(descriptor, content) :]
            os.fsync(descriptor)
            sync_folder(self.folder)
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        return descriptor

    def rewrite(self, segment: int, gone: Callable[[Record], bool]) -> int:
        """Replace a segment that nobody writes to by one without some records; return how many went.

        Damaged lines go with them, because nobody can say whom they name. A segment without any stays as it is.

        Raises:
            OutOfResourcesError: If the disk refuses; the segment is as it was.
        """
        path = self._path(segment)
        part = path.with_suffix(".part")
        try:
            with path.open("rb") as old, part.open("wb") as new:
                dropped = _copy_without(old, new, gone)
                new.flush()
                os.fsync(new.fileno())
            if dropped:
                part.replace(path)
                sync_folder(self.folder)
            part.unlink(missing_ok=True)
        except OSError as error:
            raise OutOfResourcesError("the journal cannot be written anew") from error
        return dropped

    def _path(self, segment: int) -> Path:
        return self.folder / f"{segment:06d}.jsonl"


def _copy_without(old: BinaryIO, new: BinaryIO, gone: Callable[[Record], bool]) -> int:
    dropped = 0
    for line in old:
        record = decode(line[:-1]) if line.endswith(b"\n") else None
        if record is None or gone(record):
            dropped += 1
        else:
            new.write(line)
    return dropped


class JournalWriter:
    """Appends to one segment, and to another after trouble; thread-safe.

    After a failed fsync nobody knows what is on disk, and asking again proves nothing: what is not known to be synced
    is written again, to a new segment. A record that is there twice changes nothing.
    """

    def __init__(self, descriptor: int, fresh: Callable[[bytes], int]) -> None:
        """``fresh``: begin another segment with these bytes, return its descriptor."""
        self._descriptor, self._fresh = descriptor, fresh
        self._unsynced: list[bytes] = []
        """What was written and not synced yet."""
        self._writing = Lock()
        self._syncing = Lock()
        self._written = 0
        self._synced = 0
        self._failed = False

    def append(self, *records: Record) -> None:
        """Return once the records are on disk; a crash meanwhile leaves the first few of them, each whole.

        Raises:
            OutOfResourcesError: If the disk refuses; the records may be in the journal all the same. The next call
                begins with another segment.
        """
        end = self._write(b"".join(map(encode, records)))
        with self._syncing:
            if self._synced < end:
                self._sync()

    @property
    def well(self) -> bool:
        """Tell whether it writes; after trouble it is tried, because nobody appends while the doors are closed."""
        with self._writing:
            if self._failed:
                with suppress(OSError):
                    self._begin_anew()
            return not self._failed

    def close(self) -> None:
        """Close the segment."""
        os.close(self._descriptor)

    def _write(self, line: bytes) -> int:
        with self._writing:
            try:
                if self._failed:
                    self._begin_anew()
                count = os.write(self._descriptor, line)
            except OSError as error:
                self._failed = True
                raise OutOfResourcesError("the journal cannot be written") from error
            if count != len(line):  # the torn line ends this segment: nothing is ever glued to it
                self._failed = True
                raise OutOfResourcesError("the journal cannot be written whole")
            self._unsynced.append(line)
            self._written += count
            return self._written

    def _begin_anew(self) -> None:
        descriptor = self._fresh(b"".join(self._unsynced))
        os.close(self._descriptor)
        self._descriptor, self._failed = descriptor, False
        self._unsynced.clear()
        self._synced = self._written

    def _sync(self) -> None:
        with self._writing:
            if self._failed:
                raise OutOfResourcesError("the journal could not be written")
            end, count, descriptor = self._written, len(self._unsynced), self._descriptor
        try:
            os.fsync(descriptor)
        except OSError as error:
            with self._writing:
                self._failed = True
            raise OutOfResourcesError("the journal cannot be synced") from error
        with self._writing:
            if self._failed:
                raise OutOfResourcesError("the journal could not be written")
            if descriptor == self._descriptor and self._synced < end:
                del self._unsynced[:count]
                self._synced = end
