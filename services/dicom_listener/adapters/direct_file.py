"""A file written in whole pages past the page cache (O_DIRECT), or through it where the file system refuses that."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

_O_DIRECT: int = getattr(os, "O_DIRECT", 0)


class DirectFile:
    """A new file of mode 0600; memory, offsets and lengths handed in are multiples of the page. One owner closes it."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            self._descriptor = os.open(path, flags | _O_DIRECT, 0o600)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            # open(2): EINVAL where the file system has no O_DIRECT; the file may have been made all the same.
            path.unlink(missing_ok=True)
            self._descriptor = os.open(path, flags, 0o600)

    def write(self, content: memoryview, offset: int) -> None:
        """Write all of ``content`` at ``offset``.

        Raises:
            OSError: If the disk refuses; part of it may be there.
        """
        while content:
            written = self._write(content, offset)
            content, offset = content[written:], offset + written

    def _write(self, content: memoryview, offset: int) -> int:
        try:
            return os.pwrite(self._descriptor, content, offset)
        except OSError as error:
            if error.errno != errno.EINVAL or not self._leave_direct():
                raise
            return os.pwrite(self._descriptor, content, offset)

    def _leave_direct(self) -> bool:
        """Go on through the page cache; False if that is the case already."""
        flags = fcntl.fcntl(self._descriptor, fcntl.F_GETFL)
        fcntl.fcntl(self._descriptor, fcntl.F_SETFL, flags & ~_O_DIRECT)
        return bool(flags & _O_DIRECT)

    def sync(self) -> None:
        """Return once what was written, and the size, are on disk."""
        os.fdatasync(self._descriptor)

    def truncate(self, size: int) -> None:
        """Cut the file."""
        os.ftruncate(self._descriptor, size)

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._descriptor)
