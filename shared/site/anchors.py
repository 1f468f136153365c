"""Reading the anchors of the audit chain from the file they were appended to."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from shared.domain.audit import Anchor
from shared.domain.errors import InvalidInputError


def read_anchors(path: Path) -> tuple[Anchor, ...]:
    """Return the anchors, oldest first; none where there is no file.

    Raises:
        InvalidInputError: If a line is no anchor: somebody else wrote into the file; says which line.
    """
    if not path.exists():
        return ()
    return tuple(_anchor(line, number, path) for number, line in enumerate(path.read_text().splitlines(), 1) if line)


def _anchor(line: str, number: int, path: Path) -> Anchor:
    try:
        row = json.loads(line)
        return Anchor(int(row["number"]), str(row["hash"]), datetime.fromisoformat(row["time"]))
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInputError(f"{path}, line {number}", "is no anchor of the audit chain") from error
