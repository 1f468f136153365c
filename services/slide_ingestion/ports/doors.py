"""Where slides come in: folders, prefixes, and what the listener stored."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from services.slide_ingestion.ports.slides import SlideFile


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing a door shows. ``name`` may identify a person: it is kept, and neither logged nor told."""

    name: str
    """Path below the folder or prefix, with ``/``."""
    size: int
    """Bytes."""
    stamp: str
    """Changes whenever the content may have: times and inode of a file, ETag of an S3 object."""
    oddity: str = ""
    """Why it cannot be a file of a slide: a symbolic link, a directory with the name of a slide, a device."""


class Door(Protocol):
    """A watched folder or prefix."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    def look(self) -> tuple[Entry, ...]:
        """Return everything below it.

        Raises:
            TemporaryError: If it cannot be looked into now; then nothing counts as gone.
        """
        ...

    def mounted(self) -> str:
        """Return what tells this place from another one that stands in its stead, as an unmounted share's folder does.

        Empty where nothing else can stand there.

        Raises:
            TemporaryError: If it cannot be looked into now.
        """
        ...

    def readable(self, slide_id: str, files: Sequence[SlideFile]) -> bool:
        """Tell whether this service may read them all.

        Raises:
            TemporaryError: If that cannot be told now.
        """
        ...

    def read(self, name: str, limit: int) -> bytes:
        """Return a small file.

        Raises:
            InvalidInputError: If it is no regular file, or larger than ``limit`` bytes.
            NotFoundError: If it is not there.
        """
        ...

    def taken(self, slide_id: str, files: Sequence[SlideFile]) -> AbstractContextManager[tuple[Path, ...]]:
        """Give the slide's files as files of this machine, the first to open in front; what was fetched is kept.

        Raises:
            SlideChangedError: If one is not as it was seen.
            SlideClosedError: If this service may not read one.
            TemporaryError: If they cannot be had now.
        """
        ...

    def uris(self, slide_id: str, files: Sequence[SlideFile]) -> tuple[str, ...]:
        """Return where workers read each of them."""
        ...

    def unchanged(self, slide_id: str, files: Sequence[SlideFile]) -> bool:
        """Tell whether they are still as they were seen."""
        ...
