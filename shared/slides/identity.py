"""Which file it is that was read: replaced or written to meanwhile, and nothing that was read of it counts."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from shared.pathology.trouble import SlideProblem, SlideTrouble

Identity = tuple[tuple[int, int, int, int], ...]
"""Device, inode, size and time of change (nanoseconds) of every file."""


def identity(paths: Sequence[Path]) -> Identity | SlideTrouble:
    """Return what tells these files from any others, now."""
    found = []
    for path in paths:
        try:
            status = os.lstat(path)
        except OSError:
            return SlideTrouble(SlideProblem.GONE, "A file of the slide is not there any more.")
        if not stat.S_ISREG(status.st_mode):
            return SlideTrouble(SlideProblem.NOT_A_SLIDE, f"What should be a slide is {_kind(status.st_mode)}.")
        if not status.st_size:
            return SlideTrouble(SlideProblem.NOT_A_SLIDE, "A file of the slide is empty.", "Copy the slide again.")
        found.append((status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns))
    if not found:
        return SlideTrouble(SlideProblem.NOT_A_SLIDE, "The slide has no file.")
    return tuple(found)


def changed(paths: Sequence[Path], before: Identity) -> SlideTrouble | None:
    """Return what is wrong where the files are not those of ``before`` any more."""
    now = identity(paths)
    if isinstance(now, SlideTrouble):
        return now if now.problem is SlideProblem.GONE else _CHANGED
    return None if now == before else _CHANGED


_CHANGED = SlideTrouble(
    SlideProblem.CHANGED,
    "The slide was replaced, or written to, while it was read.",
    "Let the scanner finish before the slide is handed in.",
)


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a directory"
    return "a symbolic link" if stat.S_ISLNK(mode) else "no regular file"
