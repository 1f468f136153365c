"""A lease and its heartbeat: the right to answer, as long as it is renewed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import structlog

from shared.domain.errors import StaleAttemptError, TemporaryError

log = structlog.get_logger("oncorelay.inference")

BEATS_PER_LEASE = 3


class Lease:
    """Renews itself from a thread while the block runs; afterwards the thread is gone."""

    def __init__(self, renew: Callable[[], float], seconds: float, clock: Callable[[], float]) -> None:
        self._renew = renew
        self._seconds = seconds
        self._clock = clock
        self._until = clock() + seconds
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    def __enter__(self) -> Self:
        """Start the heartbeat."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the heartbeat."""
        self._stop.set()
        self._thread.join()

    def remaining_s(self) -> float:
        """Return how many seconds are left; 0 once the ledger said that it is lost."""
        return 0.0 if self._lost.is_set() else max(0.0, self._until - self._clock())

    def _beat(self) -> None:
        while not self._stop.wait(self._seconds / BEATS_PER_LEASE):
            asked = self._clock()
            try:
                self._seconds = self._renew()
            except StaleAttemptError:
                self._lost.set()
                return
            except TemporaryError as error:
                log.warning("lease_not_renewed", error=type(error).__name__)
                continue
            # Counted from the question, not from the answer: the ledger's clock started no later.
            self._until = asked + self._seconds
