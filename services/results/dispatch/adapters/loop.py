"""Runs a step again and again on its own thread, so that one that waits stops no other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from shared.domain.errors import OncoRelayError, TemporaryError

log = structlog.get_logger("oncorelay.results.dispatch")

PAUSE_AFTER_TROUBLE_S = 1.0


@dataclass(frozen=True, slots=True)
class Loop:
    """One step, its pause, and its thread; ``stop`` ends it after the step in hand."""

    name: str
    step: Callable[[], object]
    pause_s: float
    stopping: threading.Event

    def start(self) -> threading.Thread:
        """Start the thread."""
        thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        silent = False
        while not self.stopping.is_set():
            pause = self.pause_s
            try:
                self.step()
                silent = False
            except OncoRelayError as error:
                pause = PAUSE_AFTER_TROUBLE_S
                if not (silent and isinstance(error, TemporaryError)):
                    log.warning("step_failed", step=self.name, error=type(error).__name__, reason=str(error))
                silent = True
            except Exception as error:
                # A defect in one step must not end the loop, and so every case behind it; the log has the traceback.
                pause = PAUSE_AFTER_TROUBLE_S
                log.exception("step_broke", step=self.name, error=type(error).__name__)
            self.stopping.wait(pause)
