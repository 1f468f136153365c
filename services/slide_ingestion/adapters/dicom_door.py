"""Slides the listener stored: ranges of its segments, put together as files while they are looked into."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from services.slide_ingestion.handlers.check import SlideChangedError
from services.slide_ingestion.handlers.studies import DICOM_DOOR
from services.slide_ingestion.ports.doors import Entry
from services.slide_ingestion.ports.slides import SlideFile
from shared.domain.errors import InvalidInputError, NotFoundError, OutOfResourcesError, UnavailableError
from shared.storage.blobs import LocalBlobs

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class DicomDoor:
    """Reads what lies in the blob store; ``folder`` takes the files meanwhile, its owner only may look."""

    blobs: LocalBlobs
    folder: Path
    min_free_bytes: int
    name: str = DICOM_DOOR

    def clear(self) -> None:
        """Remove what a process that was killed left of slides it looked into."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def look(self) -> tuple[Entry, ...]:
        """Return nothing: studies are handed over."""
        return ()

    def mounted(self) -> str:
        """Return nothing: the blob store is this site's own."""
        return ""

    def readable(self, slide_id: str, files: Sequence[SlideFile]) -> bool:  # noqa: ARG002
        """What the listener stored may be read."""
        return True

    def read(self, name: str, limit: int) -> bytes:  # noqa: ARG002
        """Return nothing: there are no manifests beside stored objects."""
        raise NotFoundError("file", "of this name")

    @contextmanager
    def taken(self, slide_id: str, files: Sequence[SlideFile]) -> Iterator[tuple[Path, ...]]:
        """Give the instances as files, the largest in front; they are gone afterwards."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            made = TemporaryDirectory(prefix=f"{slide_id}-", dir=self.folder)
        except OSError as error:
            raise UnavailableError(f"no DICOM slide can be put together now ({type(error).__name__})") from None
        with made as place:
            paths = [self._copied(one, Path(place) / f"{number:04d}.dcm") for number, one in enumerate(files)]
            yield tuple(sorted(paths, key=lambda path: -path.stat().st_size))

    def uris(self, slide_id: str, files: Sequence[SlideFile]) -> tuple[str, ...]:  # noqa: ARG002
        """Return their places in the blob store."""
        return tuple(one.uri for one in files)

    def unchanged(self, slide_id: str, files: Sequence[SlideFile]) -> bool:  # noqa: ARG002
        """Stored objects do not change."""
        return True

    def _copied(self, file: SlideFile, path: Path) -> Path:
        try:
            place = self.blobs.place(file.uri)
            if shutil.disk_usage(self.folder).free - place.size() < self.min_free_bytes:
                raise OutOfResourcesError("too little disk is free to put a DICOM slide together")
            with place.open() as source, path.open("xb") as target:
                shutil.copyfileobj(source, target, _CHUNK)
        except (NotFoundError, InvalidInputError):
            raise SlideChangedError("a stored object is not there any more") from None
        except OSError as error:
            raise UnavailableError(f"a stored object cannot be read now ({type(error).__name__})") from None
        return path
