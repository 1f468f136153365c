"""The thread that empties the outbox."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from services.lab_consumer.ports.outbox import Announcement, ChangeReport, OrderReport, PanelReport
from shared.domain.errors import OncoRelayError

log = structlog.get_logger("oncorelay.lab_consumer")

_STOP_S = 15.0
_APART_S = 0.05
"""Looks at the outbox are so far apart, in seconds: under load many announcements are settled by one commit."""


class Announcer:
    """Runs ``announce_due`` when woken, and every ``poll_s`` seconds; ``event`` is logged with how many were taken."""

    def __init__(self, announce_due: Callable[[], int], poll_s: float, event: str = "facts_announced") -> None:
        self._announce_due, self._poll_s, self._event = announce_due, poll_s, event
        self._awake, self._ending = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Look at the outbox now."""
        self._awake.set()

    def stop(self) -> None:
        """End after the announcement at hand; what is left stays in the outbox."""
        self._ending.set()
        self._awake.set()
        if self._thread.ident is not None:
            self._thread.join(_STOP_S)

    def _run(self) -> None:
        while not self._ending.is_set():
            began = time.monotonic()
            self._once()
            self._awake.wait(self._poll_s)
            self._ending.wait(began + _APART_S - time.monotonic())
            self._awake.clear()

    def _once(self) -> None:
        try:
            announced = self._announce_due()
        except OncoRelayError as error:
            log.warning("outbox_unavailable", error=type(error).__name__)
        except Exception as error:  # noqa: BLE001 - the thread must outlive a bug; it is logged and tried again
            log.error("announcer_failed", error=type(error).__name__)  # noqa: TRY400 - a traceback may quote identifiers
        else:
            if announced:
                log.info(self._event, count=announced)


def announcement_failed(
    announcement: Announcement | ChangeReport | PanelReport | OrderReport, error: OncoRelayError
) -> None:
    """Log a failed announcement; it stays in the outbox."""
    log.warning(
        "announcement_failed", request_id=announcement.request_id, tries=announcement.tries, error=type(error).__name__
    )
