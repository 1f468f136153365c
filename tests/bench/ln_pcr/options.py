"""What a row is told, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.bench.rows import Row


@dataclass(frozen=True)
class Options:
    """How to measure."""

    folder: Path
    """Empty, and gone afterwards."""
    full: bool


@dataclass(frozen=True)
class Measured:
    """The rows of one file (one where it can be), and what to know about them."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
