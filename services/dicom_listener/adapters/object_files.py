"""Objects as DICOM files in the blob store, bytes as they came; durable when a call returns."""

from __future__ import annotations

import hashlib
import mmap
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from shared.dicom.fingerprint import Fingerprint, fingerprint
from shared.dicom.part10 import data_set_start
from shared.dicom.transfer_syntaxes import is_implicit
from shared.domain.errors import InvalidInputError, OutOfResourcesError
from shared.storage.blobs import sync_folder

_SHELVES = tuple(f"{number:02x}" for number in range(256))


@dataclass(frozen=True, slots=True)
class DicomFiles:
    """Implements ``ports.stores.ObjectFiles``. Spool and objects lie on one file system, so that a move is a rename."""

    objects: Path
    """Folder of the stored objects (below the blob store)."""
    quarantined: Path
    """Folder of the quarantine."""

    @property
    def spool(self) -> Path:
        """Folder where objects are written while they come in."""
        return self.objects / "incoming"

    def prepare(self) -> None:
        """Create the folders durably and remove what a crash left half-written."""
        for folder in (self.spool, self.quarantined, *(self.objects / shelf for shelf in _SHELVES)):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        sync_folder(self.objects)
        sync_folder(self.objects.parent)
        self.clear_spool()
        for part in self.quarantined.glob("*.part"):
            part.unlink()

    def clear_spool(self) -> None:
        """Remove every spooled file; nothing may be on its way in."""
        for path in self.spool.iterdir():
            path.unlink(missing_ok=True)

    def read(self, spooled: Path, transfer_syntax: str) -> Fingerprint:
        """Fingerprint the file without loading it."""
        with _mapped(spooled) as data:
            return fingerprint(data, start=data_set_start(data), implicit=is_implicit(transfer_syntax))

    def copy_out(self, uri: str) -> Path:
        """Copy a stored object (a range of a segment) to the spool."""
        parts = urlsplit(uri)
        place = {name: int(values[0]) for name, values in parse_qs(parts.query).items()}
        target = self.spool / secrets.token_hex(16)
        with Path(unquote(parts.path)).open("rb") as stream:
            stream.seek(place["offset"])
            target.write_bytes(stream.read(place["length"]))
        return target

    def digest(self, spooled: Path) -> str:
        """Return the sha256 of the file."""
        with spooled.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def keep(self, spooled: Path, name: str) -> str:
        """Sync the file, rename it to its place, sync the folder."""
        target = self.objects / name[:2] / f"{name}.dcm"
        with _disk():
            _sync(spooled)
            spooled.replace(target)
            sync_folder(target.parent)
        return target.absolute().as_uri()

    def holds(self, uri: str) -> bool:
        """Tell whether the file is there."""
        return Path(unquote(urlsplit(uri).path)).is_file()

    def quarantine(self, spooled: Path, name: str) -> None:
        """Copy, because the quarantine may lie on another file system."""
        target = self.quarantined / f"{name}.dcm"
        part = target.with_suffix(".part")
        with _disk():
            shutil.copyfile(spooled, part)
            _sync(part)
            part.replace(target)
            sync_folder(self.quarantined)

    def free_bytes(self) -> int:
        """Return the free space."""
        return shutil.disk_usage(self.objects).free


@contextmanager
def _mapped(path: Path) -> Iterator[memoryview]:
    with path.open("rb") as stream:
        if not os.fstat(stream.fileno()).st_size:
            raise InvalidInputError("object", "is empty")
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as view:
            yield view


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutOfResourcesError("the object cannot be written") from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
