"""A watched folder: looked at by polling, because shares of scanners tell nobody what changed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from services.slide_ingestion.adapters.content import closed, may_read, read_small, stamp_of
from services.slide_ingestion.handlers.check import SlideChangedError, SlideClosedError
from services.slide_ingestion.handlers.grouping import SLIDES
from services.slide_ingestion.ports.doors import Entry
from services.slide_ingestion.ports.slides import SlideFile
from shared.domain.errors import OutOfResourcesError, UnavailableError

_LINK = "it is a symbolic link: only files that lie in the folder itself are taken"
_FOLDER = "it is a folder with the name of a slide"
_OF_THE_DISK = "lost+found"
"""Which nobody but root may look into; hidden folders are a copier's or a share's own."""
_DEVICE = "it is no file but a device, a pipe or a socket"


@dataclass(frozen=True, slots=True)
class FolderDoor:
    """One of ``[site] slide_folders``."""

    name: str
    folder: Path
    """Absolute, without links."""
    deepest: int
    most_entries: int

    def look(self) -> tuple[Entry, ...]:
        """Return every file below the folder.

        Raises:
            UnavailableError: If the folder cannot be read: what was there does not count as gone.
            OutOfResourcesError: If there are more than are looked at.
        """
        try:
            found = []
            for entry in self._below(self.folder, PurePosixPath(), self.deepest):
                found.append(entry)
                if len(found) > self.most_entries:
                    raise OutOfResourcesError(
                        f"{self.name} holds more than {self.most_entries} files: none is taken in"
                    )
        except OSError as error:
            raise UnavailableError(f"{self.name} cannot be read ({type(error).__name__})") from None
        return tuple(found)

    def mounted(self) -> str:
        """Return device and inode of the folder: those of a mounted share are not those of what it is mounted on.

        Raises:
            UnavailableError: If there is no such folder now.
        """
        try:
            status = self.folder.stat()
        except OSError as error:
            raise UnavailableError(f"{self.name} cannot be read ({type(error).__name__})") from None
        return f"{status.st_dev}-{status.st_ino}"

    def readable(self, slide_id: str, files: Sequence[SlideFile]) -> bool:  # noqa: ARG002
        """Tell whether each can be opened."""
        return all(may_read(self.folder / one.name) for one in files)

    def read(self, name: str, limit: int) -> bytes:
        """Return a small file, see ``content.read_small``."""
        return read_small(self.folder / name, limit)

    @contextmanager
    def taken(self, slide_id: str, files: Sequence[SlideFile]) -> Iterator[tuple[Path, ...]]:
        """Give the paths themselves; nothing is copied."""
        if not self.unchanged(slide_id, files):
            raise SlideChangedError("it is not as it was seen")
        if not self.readable(slide_id, files):
            raise SlideClosedError(closed())
        yield tuple(self.folder / one.name for one in files)

    def uris(self, slide_id: str, files: Sequence[SlideFile]) -> tuple[str, ...]:  # noqa: ARG002
        """Return the files' own URIs."""
        return tuple((self.folder / one.name).as_uri() for one in files)

    def unchanged(self, slide_id: str, files: Sequence[SlideFile]) -> bool:  # noqa: ARG002
        """Tell whether size, times and inode are as they were, and no link leads there."""
        return all(self._is(one) for one in files)

    def _is(self, file: SlideFile) -> bool:
        path = self.folder / file.name
        try:
            if path.parent.resolve() != path.parent:
                return False
            status = path.lstat()
        except OSError:
            return False
        return stat.S_ISREG(status.st_mode) and (status.st_size, stamp_of(status)) == (file.size, file.stamp)

    def _below(self, folder: Path, under: PurePosixPath, depth: int) -> Iterator[Entry]:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda one: one.name)
        for one in entries:
            name = under / one.name
            if one.name.startswith(".") or one.name == _OF_THE_DISK or not _is_text(one.name):
                continue
            if one.is_dir(follow_symlinks=False):
                if name.suffix.lower() in SLIDES:
                    yield Entry(str(name), 0, "", _FOLDER)
                if depth > 1:
                    yield from self._below(Path(one.path), name, depth - 1)
            else:
                yield from _entry(str(name), one)


def _entry(name: str, one: os.DirEntry[str]) -> Iterator[Entry]:
    try:
        status = one.stat(follow_symlinks=False)
    except FileNotFoundError:
        return
    kind = status.st_mode
    oddity = "" if stat.S_ISREG(kind) else _LINK if stat.S_ISLNK(kind) else _DEVICE
    yield Entry(name, status.st_size, stamp_of(status), oddity)


def _is_text(name: str) -> bool:
    """Names that are not UTF-8 cannot be kept, and no scanner writes them."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return "\\" not in name
