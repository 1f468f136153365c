"""What a row is told, and what it gives."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.rows import Row


@dataclass(frozen=True)
class Options:
    """How to measure."""

    folder: Path
    """Empty, and gone afterwards."""
    repeats: int
    """How often the two sides take turns; the fastest of each counts."""
    full: bool


@dataclass(frozen=True)
class Measured:
    """The rows of one file (one where it can be), and what to know about them."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    passed: bool = True
    """False: ours does not do what the peer does, so the comparison is void."""


def in_turns(ours: Callable[[], object], peer: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Return the fastest seconds of either side; the machine's other work goes into both."""
    taken = [(seconds(ours), seconds(peer)) for _ in range(repeats)]
    return min(pair[0] for pair in taken), min(pair[1] for pair in taken)


def seconds(run: Callable[[], object]) -> float:
    """Return how long it takes."""
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun
