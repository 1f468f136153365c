"""Erasures in hand: one file each, removed when it is done. It holds UIDs and places, no identifier of a person."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from services.dicom_listener.ports.erasure import Doomed
from shared.domain.errors import OutOfResourcesError
from shared.storage.blobs import sync_folder, write_durably


@dataclass(frozen=True, slots=True)
class WorklistFiles:
    """Implements ``ports.erasure.Worklists``."""

    folder: Path

    def prepare(self) -> None:
        """Create the folder and remove what a crash left half-written in it."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for part in self.folder.glob(".part-*"):
            part.unlink()

    def all(self) -> tuple[Doomed, ...]:
        """Return what is not finished, by identifier."""
        found = sorted(self.folder.glob("*.json"))
        return tuple(Doomed(**json.loads(path.read_text("utf-8"))) for path in found)

    def keep(self, doomed: Doomed) -> None:
        """Write the list durably."""
        try:
            write_durably(self._path(doomed), json.dumps(asdict(doomed)).encode())
        except OSError as error:
            raise OutOfResourcesError("the list of what is to be erased cannot be written") from error

    def drop(self, doomed: Doomed) -> None:
        """Remove the file durably."""
        try:
            self._path(doomed).unlink(missing_ok=True)
            sync_folder(self.folder)
        except OSError as error:
            raise OutOfResourcesError("the list of what was erased cannot be removed") from error

    def _path(self, doomed: Doomed) -> Path:
        return self.folder / f"{doomed.erasure_id}.json"
