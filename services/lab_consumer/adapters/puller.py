"""The thread that asks the FHIR server: at once when woken, and everything every ``poll_s`` seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from shared.domain.errors import OncoRelayError, place
from shared.domain.pauses import Pauses
from shared.observability import metrics

log = structlog.get_logger("oncorelay.lab_consumer")

_STOP_S = 20.0
_LONGEST_SLEEP_S = 1.0


class Puller:
    """Runs ``wishes`` until none is due, and ``poll`` when it is time; ``trouble`` says what is wrong now."""

    def __init__(self, wishes: Callable[[], int], poll: Callable[[], None], poll_s: float, pauses: Pauses) -> None:
        self._wishes, self._poll, self._poll_s, self._pauses = wishes, poll, poll_s, pauses
        self._awake, self._ending = threading.Event(), threading.Event()
        self._poll_at = time.monotonic()
        self._quiet_until = 0.0
        self._failures = 0
        self._told = ""
        self._thread = threading.Thread(target=self._run, name="puller", daemon=True)

    def start(self) -> None:
        """Begin, with a poll."""
        self._thread.start()

    def wake(self, everything: bool = False) -> None:  # noqa: FBT001, FBT002 - the port is a callable
        """Look at what is wished for now; ``everything``: and poll."""
        if everything:
            self._poll_at = min(self._poll_at, time.monotonic())
        self._awake.set()

    def stop(self) -> None:
        """End after the request at hand; what is left stays wished for."""
        self._ending.set()
        self._awake.set()
        if self._thread.ident is not None:
            self._thread.join(_STOP_S)

    def trouble(self) -> str:
        """Return "" while the FHIR server answers, else what is wrong."""
        return self._told

    def _run(self) -> None:
        while not self._ending.is_set():
            self._awake.clear()
            if time.monotonic() >= self._quiet_until:
                self._once()
            self._awake.wait(_LONGEST_SLEEP_S)

    def _once(self) -> None:
        """Do what is due. After a failure everything is quiet for a while: the same server would be asked."""
        try:
            polled = self._due()
            if polled:
                self._poll()
                metrics.FHIR_PULLS.add(outcome="polled")
                self._poll_at = time.monotonic() + self._poll_s
            helped = polled
            while (fulfilled := self._wishes()) and not self._ending.is_set():
                metrics.FHIR_PULLS.add(fulfilled, outcome="fulfilled")
                helped = True
        except OncoRelayError as error:
            self._failed(type(error).__name__, str(error), getattr(error, "after_s", 0.0))
        except Exception as error:  # noqa: BLE001 - the thread must outlive a bug; its text may quote what it choked on
            log.error("puller_broke", error=type(error).__name__, place=place(error))  # noqa: TRY400
            self._failed(type(error).__name__, "a defect; see the service's log", 0.0)
        else:
            if helped:
                self._failures, self._told = 0, ""

    def _due(self) -> bool:
        return time.monotonic() >= self._poll_at

    def _failed(self, kind: str, reason: str, after_s: float) -> None:
        pause = max(self._pauses.after(self._failures).total_seconds(), after_s)
        self._failures += 1
        self._quiet_until = time.monotonic() + pause
        self._told = f"{reason}; asked again in {pause:.0f} s"
        metrics.FHIR_PULLS.add(outcome="failed")
        log.warning("pull_failed", error=kind, reason=reason, pause_s=round(pause))


def pull_failed(what: str, error: OncoRelayError) -> None:
    """Log what could not be asked; it is asked again."""
    log.warning("pull_refused", what=what, error=type(error).__name__, reason=str(error))
