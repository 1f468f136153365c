"""Rows of metrics from published tables: let in only where their own numbers agree."""

from __future__ import annotations

from pathlib import Path

from services.model_factory.formats.literature import read_reported
from services.model_factory.handlers.statistics.guards import require_sound
from shared.domain.errors import InvalidInputError


def check_literature(file: Path) -> tuple[tuple[str, str], ...]:
    """Return (row, what is wrong with it) for every row of ``file``; an empty text for a sound row.

    Raises:
        InvalidInputError: If the file is not UTF-8, or holds no such table.
    """
    try:
        rows = read_reported(file.read_text("utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidInputError(file.name, "is not UTF-8") from error
    found = []
    for row in rows:
        try:
            require_sound(row)
        except ValueError as error:
            found.append((row.row, str(error)))
        else:
            found.append((row.row, ""))
    return tuple(found)
