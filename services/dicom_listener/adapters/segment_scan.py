"""Read a segment back after a crash: whole records, judged by their checksums, and what was one once."""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from services.dicom_listener.formats.segment_record import PAGE, SegmentRecord, from_page
from services.dicom_listener.ports.inbox import Announced, Stored

UNREADABLE = Announced("", "", "", "(unreadable)", 0)
"""Stands for what was announced where the header page does not say it any more."""
DAMAGE = "its record in the inbox is damaged, although it was written whole"
_PIECE = 1 << 20


def scan(path: Path, from_offset: int = 0, known_end: int = 0) -> Iterator[Stored]:
    """Yield every whole record of the segment, in order; torn and erased ranges are passed over page by page.

    A segment is only ever written behind its last whole record. So a bad record is a damaged one, and is yielded with
    ``damage``, where a whole one follows or where it begins before ``known_end``; at the tail it is what a crash tore.

    Raises:
        OSError: If the segment cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        bad: list[Stored] = []
        for found in _walk(descriptor, path, from_offset):
            if found.damage:
                bad.append(found)
                continue
            yield from bad
            bad.clear()
            yield found
        yield from (one for one in bad if one.start < known_end)
    finally:
        os.close(descriptor)


def _walk(descriptor: int, path: Path, position: int) -> Iterator[Stored]:
    """Yield records and damaged ranges; zeros are what erasing leaves."""
    run = -1
    while (page := next_data(descriptor, position)) is not None:
        record = header_at(descriptor, path.name, page)
        if record is None:
            blank = not any(os.pread(descriptor, PAGE, page))
            run = page if run < 0 and not blank else run
            position = page + PAGE
            continue
        if run >= 0:
            yield _damaged(path, run, page)
        run, position = -1, record.end
        whole = _crc32(descriptor, record) == record.crc32
        if whole or not _is_blank(descriptor, record):
            yield stored(record, path.parent, "" if whole else DAMAGE)
    if run >= 0:
        yield _damaged(path, run, os.fstat(descriptor).st_size)


def _damaged(path: Path, start: int, end: int) -> Stored:
    length = min(end, path.stat().st_size) - start
    return Stored(UNREADABLE, _uri(path, start, length), path.name, end, damage=DAMAGE)


def lost(path: Path, end: int) -> Stored:
    """Return what stands for the objects of a segment that was removed."""
    return Stored(UNREADABLE, _uri(path, 0, 0), path.name, end, damage="its segment was removed from the inbox")


def stored(record: SegmentRecord, folder: Path, damage: str = "") -> Stored:
    """Return what a record means to everybody else."""
    uri = _uri(folder / record.segment, record.offset, record.length)
    return Stored(record.announced, uri, record.segment, record.end, record.received, damage)


def _uri(path: Path, offset: int, length: int) -> str:
    return f"{path.absolute().as_uri()}?offset={offset}&length={length}"


def next_data(descriptor: int, position: int) -> int | None:
    """Return the next page with anything in it at or behind ``position``; an erased object leaves a hole."""
    try:
        return os.lseek(descriptor, position, os.SEEK_DATA) // PAGE * PAGE
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return None


def header_at(descriptor: int, segment: str, position: int) -> SegmentRecord | None:
    """Return the record whose header page lies at ``position``, whatever became of the object behind it."""
    record = from_page(os.pread(descriptor, PAGE, position))
    return record if record and (record.segment, record.start) == (segment, position) else None


def is_whole(path: Path, record: SegmentRecord) -> bool:
    """Tell whether the object of a record is there as it was written."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _crc32(descriptor, record) == record.crc32
    finally:
        os.close(descriptor)


def _is_blank(descriptor: int, record: SegmentRecord) -> bool:
    """Tell whether the object behind a header was erased."""
    return not any(os.pread(descriptor, min(PAGE, record.length), record.offset))


def _crc32(descriptor: int, record: SegmentRecord) -> int:
    checksum, position, end = 0, record.offset, record.offset + record.length
    while position < end:
        piece = os.pread(descriptor, min(_PIECE, end - position), position)
        if not piece:
            return -1
        checksum, position = zlib.crc32(piece, checksum), position + len(piece)
    return checksum
