"""Threads of their own for each sink, so that a sink that hangs stops nobody but itself."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from shared.domain.errors import TemporaryError, place

log = structlog.get_logger("oncorelay.results.deliver")

_AFTER_A_FAILURE_S = 1.0


class SinkWorker:
    """Repeats ``deliver_one`` until it is told to stop; a delivery under way is finished first."""

    def __init__(self, name: str, deliver_one: Callable[[], bool], poll_s: float) -> None:
        self._name = name
        self._deliver_one = deliver_one
        self._poll_s = poll_s
        self._stop = threading.Event()
        # A daemon: a sink that never answers must not keep a stopped process alive beyond its patience.
        self._thread = threading.Thread(target=self._run, name=f"sink-{name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Take nothing new."""
        self._stop.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the delivery under way; return whether the thread has ended."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            pause = self._step()
            if pause:
                self._stop.wait(pause)

    def _step(self) -> float:
        """Return how long to wait before the next look."""
        try:
            return 0.0 if self._deliver_one() else self._poll_s
        except TemporaryError as error:
            log.warning("ledger_unavailable", sink=self._name, error=type(error).__name__)
        except Exception as error:  # noqa: BLE001 - the worker must outlive a defect
            log.error("worker_failed", sink=self._name, error=type(error).__name__, place=place(error))  # noqa: TRY400
        return _AFTER_A_FAILURE_S
