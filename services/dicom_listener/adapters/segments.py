"""The inbox on disk: one segment file per association, several objects in it, each on disk before ``commit`` returns.

A record is a header page (``formats/segment_record.py``) and a whole DICOM file, padded to pages. Objects that fit into
the buffer cost one write and one fdatasync; larger ones are written as they come, their header page last. A segment is
never opened again for writing, so whatever a crash tore is its tail.
"""

from __future__ import annotations

import mmap
import secrets
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock

from services.dicom_listener.adapters.direct_file import DirectFile
from services.dicom_listener.adapters.segment_folder import MARKER, is_removed, prepare_folder
from services.dicom_listener.adapters.segment_scan import lost, scan, stored
from services.dicom_listener.formats.segment_record import PAGE, SegmentRecord, padded, to_page
from services.dicom_listener.ports.inbox import Announced, Stored
from shared.dicom.part10 import file_beginning
from shared.domain.errors import OutOfResourcesError
from shared.storage.blobs import sync_folder

SEGMENT_BYTES = 1 << 30
"""A segment that has grown to this size is followed by another."""
BUFFER_BYTES = 2 << 20
"""Memory of one association; an MR or CT image fits, larger objects pass through."""
HEAD_BYTES = 16384
"""What stays readable of the beginning of an object that passed through."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Segments:
    """Implements ``ports.inbox.Inbox`` on one folder below the blob store."""

    folder: Path
    segment_bytes: int = SEGMENT_BYTES
    buffer_bytes: int = BUFFER_BYTES
    now: Callable[[], datetime] = _utc_now
    written: set[str] = field(default_factory=set)
    """Names of the segments that associations write to."""
    _last: list[datetime] = field(default_factory=lambda: [datetime.min.replace(tzinfo=UTC)])
    _stamping: Lock = field(default_factory=Lock)

    def prepare(self, *, expected: bool = False) -> None:
        """Create the folder durably; ``expected``: there are segments in it (errors as ``prepare_folder``)."""
        prepare_folder(self.folder, expected=expected)

    def free_bytes(self) -> int:
        """Return the free space of the inbox's file system.

        Raises:
            OSError: If it is not there, or does not say.
        """
        (self.folder / MARKER).stat()
        return shutil.disk_usage(self.folder).free

    def open(self, association: int, sender: str) -> SegmentInlet:  # noqa: ARG002 - nothing is made before it is needed
        """Return a way in for one association; a segment is made with the first object."""
        return SegmentInlet(self)

    def stamp(self) -> str:
        """Return the time of receipt of one object, later than any before it: what came last is told by it."""
        with self._stamping:
            self._last[0] = max(self.now().astimezone(UTC), self._last[0] + timedelta(microseconds=1))
            return self._last[0].isoformat(timespec="microseconds")

    def names(self) -> tuple[str, ...]:
        """Return the names of all segments."""
        return tuple(sorted(path.name for path in self.folder.glob("*.seg")))

    def is_open(self, segment: str) -> bool:
        """Tell whether an association still writes to it."""
        return segment in self.written

    def scan(self, segment: str, from_offset: int = 0, known_end: int = 0) -> Iterator[Stored]:
        """Yield every object of a segment from ``from_offset`` on; what is torn or erased is passed over.

        What was acknowledged (something whole follows, or it begins before ``known_end``) and is not as it was written
        is yielded with ``damage``. So is, as one, what lay in a segment that was removed.

        Raises:
            UnavailableError: If the inbox is not there.
            OSError: If the segment cannot be read.
        """
        path = self.folder / segment
        try:
            yield from scan(path, from_offset, known_end)
        except FileNotFoundError:
            if not is_removed(path):  # it came back meanwhile
                raise
            yield lost(path, max(from_offset, known_end))


class SegmentInlet:
    """Implements ``ports.inbox.Inlet``: the buffer and the open segment of one association."""

    def __init__(self, segments: Segments) -> None:
        self._segments = segments
        self._buffer = mmap.mmap(-1, segments.buffer_bytes)  # anonymous: page-aligned, costs what is touched
        self.memory = memoryview(self._buffer)
        self.name = ""
        self.end = 0
        """Where the next record begins."""
        self._file: DirectFile | None = None

    def begin(self, announced: Announced) -> SegmentIncoming:
        """Begin an object; nothing is written yet."""
        if self.end >= self._segments.segment_bytes:
            self._leave()
        return SegmentIncoming(self, announced)

    def write(self, content: memoryview, offset: int) -> None:
        """Write pages to the segment, which is made where there is none."""
        try:
            self._opened().write(content, offset)
        except OSError as error:
            raise self._poisoned() from error

    def commit(self, incoming: SegmentIncoming) -> Stored:
        """Sync; the record counts when this returns."""
        try:
            self._opened().sync()
        except OSError as error:
            raise self._poisoned() from error
        record = incoming.record()
        self.end = record.end
        return stored(record, self._segments.folder)

    def forget(self) -> None:
        """Cut off what an unfinished object has left behind the last whole one."""
        if self._file is None:
            return
        try:
            self._file.truncate(self.end)
        except OSError:
            self._leave()

    def ready(self) -> None:
        """Make a segment where there is none; from here on ``name`` and ``end`` are the next record's place."""
        try:
            self._opened()
        except OSError as error:
            raise self._poisoned() from error

    def stamp(self) -> str:
        """Return the time of receipt."""
        return self._segments.stamp()

    def close(self) -> None:
        """Close the segment; what is committed stays, a segment that holds nothing goes."""
        self._leave()
        with suppress(BufferError):  # a view of an object in hand: the memory goes with it
            self.memory.release()
            self._buffer.close()

    def _opened(self) -> DirectFile:
        if self._file is None:
            (self._segments.folder / MARKER).stat()  # into no folder that the file system of the inbox would hide
            self.name = f"{secrets.token_hex(16)}.seg"
            self._segments.written.add(self.name)
            self._file = DirectFile(self._segments.folder / self.name)
            self.end = 0
            sync_folder(self._segments.folder)
        return self._file

    def _poisoned(self) -> OutOfResourcesError:
        """Leave the segment: after a failed write or sync nobody knows what it holds behind its last record."""
        self.forget()
        self._leave()
        return OutOfResourcesError("the object cannot be written")

    def _leave(self) -> None:
        if self._file is None:
            return
        self._file.close()
        self._file = None
        if not self.end:
            (self._segments.folder / self.name).unlink(missing_ok=True)
        self._segments.written.discard(self.name)
        self.end = 0


class SegmentIncoming:
    """Implements ``ports.inbox.Incoming``. In the buffer: one page left free for the header, then the DICOM file."""

    def __init__(self, inlet: SegmentInlet, announced: Announced) -> None:
        self._inlet, self._announced = inlet, announced
        self._memory = inlet.memory
        beginning = file_beginning(
            announced.sop_class_uid, announced.sop_instance_uid, announced.transfer_syntax, announced.sender
        )
        self._first = self._end = PAGE + len(beginning)
        self._memory[PAGE : self._end] = beginning
        self._crc32 = zlib.crc32(beginning)
        self._flushed = 0
        """Bytes of the DICOM file that are in the segment already."""
        self._head: bytes | None = None
        self._record: SegmentRecord | None = None

    def room(self, size: int) -> memoryview:
        """Return memory for the next bytes; a full buffer is written out first."""
        if self._end == len(self._memory):
            self._pass_on()
        return self._memory[self._end : min(self._end + size, len(self._memory))]

    def filled(self, count: int) -> None:
        """Take ``count`` bytes into the checksum."""
        end = self._end + count
        self._crc32 = zlib.crc32(self._memory[self._end : end], self._crc32)
        self._end = end

    def head(self) -> memoryview:
        """Return the first bytes of the data set: all while they are in the buffer, else the first few."""
        return self._memory[self._first : self._end] if self._head is None else memoryview(self._head)

    def commit(self) -> Stored:
        """Write what is left, the header page, and sync."""
        last = PAGE + padded(self._end - PAGE)
        self._memory[self._end : last] = bytes(last - self._end)
        if self._flushed:
            self._inlet.write(self._memory[PAGE:last], self._inlet.end + PAGE + self._flushed)
        self._inlet.ready()
        self._memory[:PAGE] = to_page(self.record())
        self._inlet.write(self._memory[: PAGE if self._flushed else last], self._inlet.end)
        return self._inlet.commit(self)

    def record(self) -> SegmentRecord:
        """Return the record; its place is known once there is a segment."""
        if self._record is None:
            length = self._flushed + self._end - PAGE
            stamp = self._inlet.stamp()
            inlet = self._inlet
            self._record = SegmentRecord(inlet.name, inlet.end, length, self._crc32, stamp, self._announced)
        return self._record

    def discard(self) -> None:
        """Take back what was written of it."""
        if self._flushed:
            self._inlet.forget()

    def _pass_on(self) -> None:
        if self._head is None:
            self._head = bytes(self._memory[self._first : self._first + HEAD_BYTES])
        self._inlet.write(self._memory[PAGE:], self._inlet.end + PAGE + self._flushed)
        self._flushed += len(self._memory) - PAGE
        self._end = PAGE
