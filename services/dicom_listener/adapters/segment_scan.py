"""Read a segment back after a crash: whole records only, judged by their checksums."""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from services.dicom_listener.formats.segment_record import PAGE, SegmentRecord, from_page
from services.dicom_listener.ports.inbox import Stored

_PIECE = 1 << 20


def scan(path: Path, from_offset: int = 0) -> Iterator[Stored]:
    """Yield every whole record of the segment, in order; torn and erased ranges are passed over page by page.

    Raises:
        OSError: If the segment cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        position = from_offset
        while (page := next_data(descriptor, position)) is not None:
            record = _record(descriptor, path.name, page)
            if record is not None:
                yield stored(record, path.parent)
            position = record.end if record else page + PAGE
    finally:
        os.close(descriptor)


def stored(record: SegmentRecord, folder: Path) -> Stored:
    """Return what a record means to everybody else."""
    uri = f"{(folder / record.segment).absolute().as_uri()}?offset={record.offset}&length={record.length}"
    return Stored(record.announced, uri, record.segment, record.end)


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


def _record(descriptor: int, segment: str, position: int) -> SegmentRecord | None:
    record = header_at(descriptor, segment, position)
    if record is None:
        return None
    return record if _crc32(descriptor, record) == record.crc32 else None


def _crc32(descriptor: int, record: SegmentRecord) -> int:
    checksum, position, end = 0, record.offset, record.offset + record.length
    while position < end:
        piece = os.pread(descriptor, min(_PIECE, end - position), position)
        if not piece:
            return -1
        checksum, position = zlib.crc32(piece, checksum), position + len(piece)
    return checksum
