"""Where one stored object lies, for whoever opens it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A DICOM object (PS3.10, or a bare data set) in a file, or in a part of one."""

    path: Path
    offset: int = 0
    """Where it begins in the file, in bytes."""
    length: int | None = None
    """Its bytes; None: to the end of the file."""
    blob_uri: str = ""
    """What the blob store calls it; empty outside a store."""
