"""Bytes of slides: digests, and proof that a path is a file that nobody swapped. Links are never followed."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from services.slide_ingestion.handlers.check import SlideChangedError
from shared.domain.errors import InvalidInputError, NotFoundError, UnavailableError

_STEP = 1 << 22
_NOT_FOLLOWED = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


def digests(paths: Sequence[Path], most_bytes: int) -> tuple[str, ...]:
    """Return the sha256 (hex) of each file.

    Raises:
        SlideChangedError: If one is gone, no file any more, or longer than it was said to be.
        UnavailableError: If one cannot be read now.
    """
    left, found = most_bytes, []
    for path in paths:
        with opened(path) as descriptor:
            digest, read = _digest(descriptor, left)
            left -= read
            found.append(digest)
    return tuple(found)


def stamp_of(status: os.stat_result) -> str:
    """Return what changes whenever a file's content may have: inode, modification and change time."""
    return f"{status.st_ino}-{status.st_mtime_ns}-{status.st_ctime_ns}"


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Open a regular file; a link is none."""
    try:
        descriptor = os.open(path, _NOT_FOLLOWED)
    except OSError as error:
        raise _translated(error) from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise SlideChangedError("it is no regular file any more")
        yield descriptor
    except OSError as error:
        raise _translated(error) from None
    finally:
        os.close(descriptor)


def read_small(path: Path, limit: int) -> bytes:
    """Return a small file.

    Raises:
        InvalidInputError: If it is larger than ``limit`` bytes.
        NotFoundError: If it is not there.
    """
    try:
        with opened(path) as descriptor:
            content = (
                b"".join(iter(lambda: os.read(descriptor, limit + 1), b"")) if _is_small(descriptor, limit) else None
            )
    except SlideChangedError:
        raise NotFoundError("file", "of this name") from None
    if content is None or len(content) > limit:
        raise InvalidInputError("manifest", f"is larger than {limit} bytes")
    return content


def _is_small(descriptor: int, limit: int) -> bool:
    return os.fstat(descriptor).st_size <= limit


def _digest(descriptor: int, most: int) -> tuple[str, int]:
    digest, read = hashlib.sha256(), 0
    while chunk := os.read(descriptor, _STEP):
        digest.update(chunk)
        read += len(chunk)
        if read > most:
            raise SlideChangedError("it grows while it is read")
    return digest.hexdigest(), read


def _translated(error: OSError) -> Exception:
    """Return our error; the text of the system's names the file."""
    if error.errno in _GONE:
        return SlideChangedError("it is not there any more")
    return UnavailableError(f"a file of a slide cannot be read now ({errno.errorcode.get(error.errno or 0, 'EIO')})")
