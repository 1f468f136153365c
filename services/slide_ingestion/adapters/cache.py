"""What was fetched: one folder per slide below ``Site.slide_cache``, named by our id, never by the file's own name."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.domain.errors import OutOfResourcesError, UnavailableError

UNFINISHED = ".part"
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class SlideCache:
    """A folder of ours; its owner only may look."""

    folder: Path
    min_free_bytes: int

    def of(self, slide_id: str) -> Path:
        """Return the folder of one slide."""
        return self.folder / slide_id

    def make(self, slide_id: str, needed_bytes: int) -> Path:
        """Return an empty folder to fetch a slide into; ``keep`` gives it its name.

        Raises:
            OutOfResourcesError: If too little disk would be left.
            UnavailableError: If it cannot be made.
        """
        place = self.folder / f"{slide_id}{UNFINISHED}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if shutil.disk_usage(self.folder).free - needed_bytes < self.min_free_bytes:
                raise OutOfResourcesError("too little disk is free to fetch a slide: make room, or lower min_free_mb")
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(mode=0o700)
        except OSError as error:
            raise UnavailableError(f"the slide cache cannot be written to ({type(error).__name__})") from None
        return place

    def keep(self, slide_id: str) -> Path:
        """Give what was fetched its name: from now on it is whole."""
        place = self.of(slide_id)
        shutil.rmtree(place, ignore_errors=True)
        (self.folder / f"{slide_id}{UNFINISHED}").rename(place)
        return place

    def drop(self, slide_id: str) -> None:
        """Remove what was not fetched whole."""
        shutil.rmtree(self.folder / f"{slide_id}{UNFINISHED}", ignore_errors=True)

    def remove(self, slide_id: str) -> int:
        """Remove a slide; return the number of files."""
        place = self.of(slide_id)
        count = sum(1 for path in place.rglob("*") if path.is_file()) if place.is_dir() else 0
        shutil.rmtree(place, ignore_errors=True)
        return count

    def clear(self) -> None:
        """Remove what a process that was killed had begun to fetch."""
        for place in self.folder.glob(f"*{UNFINISHED}"):
            shutil.rmtree(place, ignore_errors=True)

    def held(self) -> Iterator[tuple[str, float]]:
        """Yield the id of each slide that is held, and for how many seconds; nothing else that lies there."""
        if not self.folder.is_dir():
            return
        for place in sorted(self.folder.iterdir()):
            if _ID.fullmatch(place.name) and place.is_dir():
                yield place.name, time.time() - place.stat().st_mtime
