"""Bytes of slides: digests, and proof that a path is a file that nobody swapped. Links are never followed."""

from __future__ import annotations

import errno
import hashlib
import os
import pwd
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from services.slide_ingestion.handlers.check import SlideChangedError, SlideClosedError
from shared.domain.errors import InvalidInputError, NotFoundError, UnavailableError
from shared.storage.regular import GONE, pieces

_CLOSED = frozenset({errno.EACCES, errno.EPERM})


def digests(paths: Sequence[Path], most_bytes: int) -> tuple[str, ...]:
    """Return the sha256 (hex) of each file.

    Raises:
        SlideChangedError: If one is gone, no file any more, or longer than it was said to be.
        SlideClosedError: If this service may not read one.
        UnavailableError: If one cannot be read now.
    """
    left, found = most_bytes, []
    for path in paths:
        digest = hashlib.sha256()
        for piece in _read(path):
            digest.update(piece)
            left -= len(piece)
            if left < 0:
                raise SlideChangedError("it grows while it is read")
        found.append(digest.hexdigest())
    return tuple(found)


def stamp_of(status: os.stat_result) -> str:
    """Return what changes whenever a file's content may have: inode, modification and change time."""
    return f"{status.st_ino}-{status.st_mtime_ns}-{status.st_ctime_ns}"


def read_small(path: Path, limit: int) -> bytes:
    """Return a small file.

    Raises:
        InvalidInputError: If it is larger than ``limit`` bytes.
        NotFoundError: If it is not there.
        UnavailableError: If it cannot be read now.
    """
    content = b""
    try:
        for piece in _read(path):
            content += piece
            if len(content) > limit:
                raise InvalidInputError("manifest", f"is larger than {limit} bytes")
    except SlideChangedError:
        raise NotFoundError("file", "of this name") from None
    except SlideClosedError as error:
        raise UnavailableError(str(error)) from None
    return content


def may_read(path: Path) -> bool:
    """Tell whether this service may open the file; asked of the system itself, for shares have rules of their own."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK))
    except OSError as error:
        return error.errno not in _CLOSED
    return True


def closed() -> str:
    """Return what a person can do about a file this service may not read."""
    number = os.geteuid()
    try:
        name = f"{pwd.getpwuid(number).pw_name} ({number})"
    except KeyError:
        name = str(number)
    return f"a file of it may not be read: make it readable by user {name}; it is then looked into by itself"


def _read(path: Path) -> Iterator[bytes]:
    """Yield the content; errors are ours, for the text of the system's names the file."""
    with _ours(), closing(pieces(path)) as found:
        yield from found


@contextmanager
def _ours() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in GONE:
            raise SlideChangedError("it is not there any more") from None
        if error.errno in _CLOSED:
            raise SlideClosedError(closed()) from None
        code = errno.errorcode.get(error.errno or 0, "EIO")
        raise UnavailableError(f"a file of a slide cannot be read now ({code})") from None
