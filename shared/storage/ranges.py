"""URIs of blobs: a whole file, or a range of one (``file:///folder/name?offset=4096&length=512``)."""

from __future__ import annotations

import ctypes
import io
import mmap
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from shared.domain.errors import InvalidInputError

_KEEP_SIZE, _PUNCH_HOLE = 1, 2
"""``FALLOC_FL_*`` of ``linux/falloc.h``."""
_STEP = 1 << 20
"""Zeros written at once."""
_LARGEST = 1 << 62
"""An offset or length beyond it cannot be one (``off_t`` has 63 bits)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the bytes of a blob lie."""

    path: Path
    offset: int = 0
    length: int | None = None
    """Bytes from ``offset``; None: to the end of the file."""

    @property
    def uri(self) -> str:
        """Return the URI of this place."""
        query = "" if self.length is None else f"?offset={self.offset}&length={self.length}"
        return self.path.absolute().as_uri() + query

    def size(self) -> int:
        """Return the number of bytes.

        Raises:
            InvalidInputError: If the file ends before the range does.
            OSError: If there is no such file.
        """
        there = self.path.stat().st_size
        length = there - self.offset if self.length is None else self.length
        if length < 0 or self.offset + length > there:
            raise InvalidInputError("blob URI", "the file ends before the range does")
        return length

    def open(self) -> io.BufferedReader:
        """Open the range for reading and seeking; its first byte is at 0; errors as ``size``."""
        length = self.size()
        return io.BufferedReader(_Range(self.path, self.offset, length))

    def release(self) -> bool:
        """Give the range back to the disk and read zeros there from now on; False where the file system cannot."""
        if self.length is None or sys.platform != "linux":
            return False
        descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            where = ctypes.c_int64(self.offset), ctypes.c_int64(self.size())
            return not libc.fallocate64(descriptor, _KEEP_SIZE | _PUNCH_HOLE, *where)
        finally:
            os.close(descriptor)

    def erase(self) -> None:
        """Make the range read as zeros, durably: given back to the disk, or overwritten where that is not possible.

        Errors as ``size``.
        """
        released = self.release()
        with self.path.open("r+b") as stream:
            if not released:
                stream.seek(self.offset)
                for start in range(0, size := self.size(), _STEP):
                    stream.write(bytes(min(_STEP, size - start)))
                stream.flush()
            os.fsync(stream.fileno())

    @contextmanager
    def mapped(self) -> Iterator[Mapped]:
        """Map the range into memory, read-only; errors as ``size``, and an empty one cannot be mapped."""
        length = self.size()
        if not length:
            raise InvalidInputError("blob", "is empty")
        before = self.offset % mmap.ALLOCATIONGRANULARITY
        with self.path.open("rb") as stream:
            descriptor, start = stream.fileno(), self.offset - before
            memory = mmap.mmap(descriptor, before + length, access=mmap.ACCESS_READ, offset=start)
        with memory, memoryview(memory) as whole, whole[before:] as view:
            yield Mapped(view, memory, before)


@dataclass(frozen=True, slots=True)
class Mapped:
    """A range in memory while it is open."""

    view: memoryview
    _memory: mmap.mmap
    _before: int

    def forget(self, start: int, end: int) -> None:
        """Give the memory of ``view[start:end]`` back; it is read from disk again if it is touched again."""
        page = mmap.PAGESIZE
        first, last = -(-(self._before + start) // page) * page, (self._before + end) // page * page
        if last > first:
            self._memory.madvise(mmap.MADV_DONTNEED, first, last - first)


class _Range(io.RawIOBase):
    """A read-only part of a file; nothing before or behind it can be read."""

    name = "<range of a blob>"  # pydicom asks for one, and must not find the whole file by it

    def __init__(self, path: Path, offset: int, length: int) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._offset, self._length, self._position = offset, length, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._length}[whence]
        if origin + offset < 0:
            raise OSError("negative seek position")
        self._position = origin + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        count = min(len(buffer), max(0, self._length - self._position))
        read = os.preadv(self._descriptor, [memoryview(buffer)[:count]], self._offset + self._position)
        self._position += read
        return read

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()


def place_of(uri: str) -> Place:
    """Return the place a URI names; whether it may be read is the store's decision.

    Raises:
        InvalidInputError: If it is not a file URI, or its range is not exactly one offset and one length.
    """
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise InvalidInputError("blob URI", "is not a URI") from error
    if parts.scheme != "file" or parts.netloc or parts.fragment:
        raise InvalidInputError("blob URI", "is not the URI of a local file")
    path = Path(unquote(parts.path))
    if "?" not in uri:
        return Place(path)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if [name for name, _ in query] != ["offset", "length"]:
        raise InvalidInputError("blob URI", "a range has one offset and one length")
    return Place(path, *(_number(value) for _, value in query))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _LARGEST):
        raise InvalidInputError("blob URI", "offset and length are whole numbers")
    return int(text)
