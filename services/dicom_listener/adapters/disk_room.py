"""How much room is left where the listener writes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_LEAST_FILES = 1000
"""With fewer inodes left a file system counts as full, whatever bytes it has."""


def least_free(folders: Iterable[Path]) -> int:
    """Return the free bytes of the fullest file system among those of ``folders``; 0 where inodes run out.

    Raises:
        OSError: If one does not say.
    """
    return min(_free(folder) for folder in folders)


def _free(folder: Path) -> int:
    found = os.statvfs(next(one for one in (folder, *folder.parents) if one.exists()))
    if found.f_files and found.f_favail < _LEAST_FILES:  # some file systems have no fixed number of inodes
        return 0
    return found.f_bavail * found.f_frsize
