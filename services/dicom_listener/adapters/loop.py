"""Run something again and again on a thread of its own until told to stop."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from threading import Event, Thread

import structlog

log = structlog.get_logger("oncorelay.dicom_listener")


class Loop:
    """Calls ``step`` every ``pause_s`` seconds; a step that fails is logged by type and called again."""

    def __init__(self, name: str, step: Callable[[], None], pause_s: float) -> None:
        self._name = name
        self._step = step
        self._pause_s = pause_s
        self._stopped = Event()
        # Log fields bound by the creating thread (the service's name) go along.
        self._thread = Thread(target=copy_context().run, args=(self._run,), name=f"listener-{name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_s: float = 30.0) -> None:
        """Stop after the step that is running."""
        self._stopped.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopped.wait(self._pause_s):
            try:
                self._step()
            except Exception as error:  # noqa: BLE001 - a loop that dies silently would stop the service's work
                log.error("loop_step_failed", loop=self._name, error=type(error).__name__)  # noqa: TRY400
