"""Single objects inside the inbox's segments, and the quarantine beside them."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.domain.errors import ForbiddenError, NotFoundError, OutOfResourcesError, UnavailableError
from shared.storage.blobs import LocalBlobs, sync_folder


@dataclass(frozen=True, slots=True)
class ObjectRanges:
    """Implements ``ports.stores.Ranges``."""

    blobs: LocalBlobs
    quarantined: Path
    """Folder of the quarantine; may lie on another file system."""

    def prepare(self) -> None:
        """Create the quarantine and remove what a crash left half-written in it."""
        self.quarantined.mkdir(parents=True, exist_ok=True, mode=0o700)
        for part in self.quarantined.glob("*.part"):
            part.unlink()

    def holds(self, uri: str) -> bool:
        """Tell whether the whole range is there."""
        try:
            self.blobs.open(uri).close()
        except (NotFoundError, ForbiddenError):
            return False
        return True

    def digest(self, uri: str) -> str:
        """Return the sha256 of the range."""
        with _disk(), self.blobs.open(uri) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def quarantine(self, uri: str, name: str) -> None:
        """Copy the range to a file of its own."""
        target = self.quarantined / f"{name}.dcm"
        part = target.with_suffix(".part")
        with _disk():
            with self.blobs.open(uri) as source, part.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
                copy.flush()
                os.fsync(copy.fileno())
            part.replace(target)
            sync_folder(self.quarantined)

    def release(self, uri: str) -> None:
        """Punch a hole; where that is not possible, the space stays taken."""
        with _disk():
            self.blobs.place(uri).release()


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except NotFoundError as error:
        raise UnavailableError("the object is not on disk") from error
    except OSError as error:
        raise OutOfResourcesError("the disk refuses") from error
