"""Content of a file that must be one: a link is not followed, and a folder, pipe or device is none."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Generator
from pathlib import Path

GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
"""``errno`` where there is no such file, or none any more."""
_STEP = 1 << 22
_NOT_FOLLOWED = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""A pipe nobody writes to must not be waited for."""


def pieces(path: Path) -> Generator[bytes, None, None]:
    """Yield the content, 4 MiB at a time; who stops early closes the iterator.

    Raises:
        OSError: ``ELOOP`` where it is no regular file. Its text may name the file.
    """
    descriptor = os.open(path, _NOT_FOLLOWED)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.ELOOP, "no regular file")
        while piece := os.read(descriptor, _STEP):
            yield piece
    finally:
        os.close(descriptor)
