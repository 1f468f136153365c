"""What a backup holds: every file with its digest, written last, so that a folder with a manifest is a whole backup."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.domain.errors import InvalidInputError
from shared.security.sealed import Seal

NAME = "manifest.json"
FORMAT = 1


class Entry(BaseModel):
    """One file of the backup."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    """Place in the backup, relative."""
    place: str
    """Where it came from and goes back to: an absolute path, or ``ledger`` and ``facts`` for a database dump."""
    kind: Literal["file", "sqlite", "postgresql"]
    sha256: str
    """Of the file as it lies in the backup."""
    size_bytes: int
    mode: int
    sealed: bool = False


class Manifest(BaseModel):
    """The whole backup."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    version: str
    site_id: str
    created: str
    data_folder: str
    site_file: str
    """Absolute path of site.toml; empty where there was none."""
    schemas: dict[str, str]
    """Alembic revision of each database."""
    salt: str = ""
    """Hexadecimal; empty where nothing is sealed."""
    entries: tuple[Entry, ...]
    mark: str = ""
    """HMAC of everything else by the passphrase; empty where nothing is sealed."""

    def marked(self, seal: Seal | None) -> Manifest:
        """Return the manifest with its mark."""
        return self.model_copy(update={"mark": seal.mark(self._content())}) if seal else self

    def is_marked_by(self, seal: Seal) -> bool:
        """Tell whether the passphrase made this manifest."""
        return seal.mark(self._content()) == self.mark

    def _content(self) -> bytes:
        return json.dumps(self.model_dump(exclude={"mark"}), sort_keys=True).encode()


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a backup.

    Raises:
        InvalidInputError: If there is none, or it is of a format this version does not know.
    """
    try:
        found = Manifest.model_validate_json((folder / NAME).read_bytes())
    except OSError:
        raise InvalidInputError(str(folder), f"no {NAME}: not a whole backup") from None
    except ValidationError:
        raise InvalidInputError(str(folder / NAME), "not a manifest this version understands") from None
    if found.format != FORMAT:
        raise InvalidInputError(str(folder / NAME), f"format {found.format}, this version reads {FORMAT}")
    return found
