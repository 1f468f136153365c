"""How every service process starts, waits and stops: one line when ready, one sentence when it cannot start."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable

import structlog

from shared.domain.errors import OncoRelayError
from shared.observability.logging import configure

log = structlog.get_logger("oncorelay.process")

_LOOK_S = 0.1
"""Pause between two looks at the stop signal, in seconds."""
EXIT_CANNOT_START = 78
"""EX_CONFIG of sysexits.h: restarting without a change cannot help."""


def service_main(service: str, main: Callable[[], None]) -> None:
    """Run ``main`` with logging set up; our errors become one sentence and an exit status, not a traceback."""
    configure(service)
    try:
        main()
    except (OncoRelayError, OSError) as error:
        log.error("cannot_start", service=service, reason=str(error))  # noqa: TRY400
        sys.exit(EXIT_CANNOT_START)


def stop_signal() -> threading.Event:
    """Return an event that SIGTERM or SIGINT sets."""
    event = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: event.set())
    return event


def run_until_stopped(service: str, where: str, stop: Callable[[], object]) -> None:
    """Say ``ready``, wait for the stop signal, then call ``stop``."""
    event = stop_signal()
    log.info("ready", service=service, address=where)
    # Not event.wait(): a signal that arrives while it holds the event's lock would wait for that lock for ever.
    while not event.is_set():
        time.sleep(_LOOK_S)
    stop()
    log.info("stopped", service=service)
