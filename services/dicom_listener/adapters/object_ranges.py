"""Single objects inside the inbox's segments, and the quarantine beside them."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from services.dicom_listener.adapters.segment_folder import is_removed
from services.dicom_listener.adapters.segment_scan import header_at, is_whole
from services.dicom_listener.formats.patient_bytes import patient_of, spellings
from services.dicom_listener.formats.segment_record import PAGE, SegmentRecord
from shared.domain.errors import (
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    OutOfResourcesError,
    UnavailableError,
)
from shared.storage.blobs import LocalBlobs, sync_folder
from shared.storage.ranges import Place, place_of


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
        """Tell whether the object is there as it was written: its header page says so, and the checksum agrees."""
        if self.is_gone(uri):
            return False
        with _disk():
            place = self.blobs.place(uri)
            record = _record_of(place)
            return record is not None and is_whole(place.path, record)

    def is_gone(self, uri: str) -> bool:
        """Tell whether the range is proven not to be there; damaged bytes are there."""
        try:
            self.blobs.place(uri).size()
        except (ForbiddenError, InvalidInputError):
            return True
        except NotFoundError:
            return is_removed(place_of(uri).path)
        except OSError as error:
            raise UnavailableError("the object cannot be read now") from error
        return False

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
        """Punch a hole, the header page included; where that is not possible, the space stays taken."""
        with _disk():
            _with_header(self.blobs.place(uri)).release()

    def erase(self, uri: str) -> None:
        """Make the object and its header page read as zeros, durably; nothing there is nothing to do."""
        with _disk(), suppress(NotFoundError):
            _with_header(self.blobs.place(uri)).erase()

    def remove_quarantined(self, name: str) -> None:
        """Remove an object from the quarantine, durably."""
        with _disk():
            (self.quarantined / f"{name}.dcm").unlink(missing_ok=True)
            sync_folder(self.quarantined)

    def patient_of_quarantined(self, name: str) -> tuple[str, str] | None:
        """Return Patient ID and issuer as the bytes spell them."""
        return patient_of(self._quarantined_bytes(name))

    def quarantined_contains(self, name: str, text: str) -> bool:
        """Tell whether the bytes hold a text."""
        content = self._quarantined_bytes(name)
        return any(spelling in content for spelling in spellings(text))

    def _quarantined_bytes(self, name: str) -> bytes:
        with _disk():
            path = self.quarantined / f"{name}.dcm"
            return path.read_bytes() if path.exists() else b""


def _with_header(place: Place) -> Place:
    """Return the whole record of an object: its header page, the object, padding."""
    record = _record_of(place)
    if record is None:
        return place
    return Place(place.path, record.start, min(record.end, place.path.stat().st_size) - record.start)


def _record_of(place: Place) -> SegmentRecord | None:
    """Return what the header page in front of an object says, where there is one that belongs to it."""
    start = place.offset - PAGE
    if place.length is None or start < 0:
        return None
    descriptor = os.open(place.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        record = header_at(descriptor, place.path.name, start)
    finally:
        os.close(descriptor)
    return record if record and record.length == place.length else None


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except NotFoundError as error:
        raise UnavailableError("the object is not on disk") from error
    except OSError as error:
        raise OutOfResourcesError("the disk refuses") from error
