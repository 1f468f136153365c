"""Steps that may run beside each other, and something that must run alone between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition
from typing import TypeVar

from shared.domain.errors import UnavailableError

T = TypeVar("T")


class Turns:
    """Many together, or one alone. Whoever waits to be alone goes before what begins later; turns do not nest."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._together = 0
        self._alone = 0
        """How many are alone, or wait to be."""
        self._taken = False

    @contextmanager
    def together(self) -> Iterator[None]:
        """Be inside with others of this kind."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._together += 1
        try:
            yield
        finally:
            with self._changed:
                self._together -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self, timeout_s: float) -> Iterator[None]:
        """Be inside while nobody else is.

        Raises:
            UnavailableError: If the others have not left after ``timeout_s`` seconds.
        """
        with self._changed:
            self._alone += 1
            free = self._changed.wait_for(lambda: not self._together and not self._taken, timeout_s)
            self._taken = self._taken or free
            if not free:
                self._leave()
                raise UnavailableError("the work in hand takes too long; ask again")
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._leave()

    def step(self, step: Callable[[], T]) -> Callable[[], T]:
        """Return ``step`` so that it runs together with others of its kind."""

        def inside() -> T:
            with self.together():
                return step()

        return inside

    def _leave(self) -> None:
        self._alone -= 1
        self._changed.notify_all()
