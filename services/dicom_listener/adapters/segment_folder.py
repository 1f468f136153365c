"""Whether the inbox's file system is there: a marker file tells a removed segment from one that is not mounted."""

from __future__ import annotations

import os
from pathlib import Path

from shared.domain.errors import UnavailableError
from shared.storage.blobs import sync_folder

MARKER = "INBOX"
"""Name of the marker file in the folder of the segments; it is made once and never again."""


def prepare_folder(folder: Path, *, expected: bool) -> None:
    """Create folder and marker durably.

    Raises:
        UnavailableError: If segments are ``expected`` there and neither they nor the marker are: nothing is made then,
            because objects written now would be hidden by the file system that belongs there.
    """
    if (folder / MARKER).is_file():
        return
    if expected and not any(folder.glob("*.seg")):
        raise UnavailableError(
            f"the inbox is empty and the journal names segments in it; mount the file system of {folder}, or restore it"
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(folder / MARKER, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    sync_folder(folder)
    sync_folder(folder.parent)


def is_removed(segment: Path) -> bool:
    """Tell whether a segment was removed: it is not there, and its folder is, before and after.

    Raises:
        UnavailableError: If the folder is not the inbox; nobody knows then what is in the inbox.
    """
    here = (segment.parent / MARKER).is_file()
    gone = not segment.exists()
    if not (here and (segment.parent / MARKER).is_file()):
        raise UnavailableError("the file system of the inbox is not there")
    return gone
