"""Steps that are repeated on threads of their own, so that one that waits stops no other; trouble is logged, once."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from threading import Event, Thread

import structlog

from shared.domain.errors import OncoRelayError, TemporaryError, place

log = structlog.get_logger("oncorelay.loops")

PAUSE_AFTER_TROUBLE_S = 1.0


class Loop:
    """Calls ``step`` every ``pause_s`` seconds until stopped; a step that fails is logged and called again."""

    def __init__(self, name: str, step: Callable[[], object], pause_s: float) -> None:
        self._name, self._step, self._pause_s = name, step, pause_s
        self._stopping, self._awake = Event(), Event()
        self._troubled = False
        # Log fields bound by the creating thread (the service's name) go along.
        self._thread = Thread(target=copy_context().run, args=(self._run,), name=name, daemon=True)

    @property
    def name(self) -> str:
        """Return what it is called."""
        return self._name

    @property
    def alive(self) -> bool:
        """Tell whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wake(self) -> None:
        """Have it step now: there is something to do, and it need not wait for the end of its pause."""
        self._awake.set()

    def ask_to_stop(self) -> None:
        """Have it end after the step in hand."""
        self._stopping.set()
        self._awake.set()

    def stop(self, timeout_s: float = 15.0) -> bool:
        """End it after the step in hand; return whether it ended in time."""
        self.ask_to_stop()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            # Forgotten before the step: who wakes it during one has more to do for the next.
            self._awake.clear()
            self._awake.wait(self._once())

    def _once(self) -> float:
        """Run the step; return the pause before the next."""
        try:
            self._step()
        except OncoRelayError as error:
            if not (self._troubled and isinstance(error, TemporaryError)):
                log.warning("step_failed", step=self._name, error=type(error).__name__, reason=str(error))
        except Exception as error:  # noqa: BLE001 - see below
            # A defect in one step must not end the loop, and so everything behind it.
            log.error("step_broke", step=self._name, error=type(error).__name__, place=place(error))  # noqa: TRY400
        else:
            self._troubled = False
            return self._pause_s
        self._troubled = True
        return PAUSE_AFTER_TROUBLE_S
