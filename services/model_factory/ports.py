"""What a training run needs from outside: somewhere to keep finished pieces, and someone to tell how far it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Checkpoints(Protocol):
    """Finished pieces of a run, kept so that a run that was cut goes on where it was."""

    def get(self, key: str) -> Any | None:
        """Return the piece kept under ``key``, as plain JSON values; None where there is none."""
        ...

    def put(self, key: str, piece: Any) -> None:
        """Keep ``piece``; a cut in the middle leaves the old state."""
        ...


class States(Protocol):
    """What a training under way would need to go on after a cut: bytes by name."""

    def get(self, key: str) -> bytes | None:
        """Return the state kept under ``key``; None where there is none."""
        ...

    def put(self, key: str, state: bytes) -> None:
        """Keep ``state`` in place of the one before; a cut in the middle leaves that."""
        ...


class Steps(Protocol):
    """One stage that advances piece by piece."""

    def __call__(self) -> None:
        """One piece is done."""
        ...


class Progress(Protocol):
    """Who watches the run."""

    def stage(self, name: str, pieces: int) -> AbstractContextManager[Steps]:
        """Begin a stage of ``pieces`` pieces; call what is entered once for each."""
        ...


def over(pieces: int, steps: Steps) -> Iterator[int]:
    """Yield 0 .. ``pieces`` - 1 and tell ``steps`` after each."""
    for piece in range(pieces):
        yield piece
        steps()
