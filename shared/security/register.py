"""What the site's authority ever signed: ``issued``, a line of serial number, name, party and end; appended only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from shared.security import certificates

FILE = "issued"


@dataclass(frozen=True, slots=True)
class Row:
    """One certificate."""

    serial: str
    """Hexadecimal."""
    name: str
    """A service, or ``people/NAME``."""
    party: str
    """Whom it stands for, with the role (``oncorelay:role:reader:jane``)."""
    end: datetime


def add(folder: Path, name: str, certificate: bytes) -> None:
    """Append a certificate (PEM); on disk when it returns."""
    end = certificates.end_of(certificate).isoformat()
    line = f"{certificates.serial_of(certificate)} {name} {certificates.party_of(certificate).uri} {end}\n"
    with os.fdopen(os.open(folder / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644), "w") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def rows(folder: Path) -> Iterator[Row]:
    """Yield what was signed, oldest first; nothing where there is no register."""
    try:
        text = (folder / FILE).read_text(encoding="ascii")
    except FileNotFoundError:
        return
    for line in text.splitlines():
        serial, name, party, end = line.split()
        yield Row(serial, name, party, datetime.fromisoformat(end))
