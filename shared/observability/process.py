"""How every service process starts, waits and stops: one line when ready, one sentence when it cannot start."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

import structlog
from pydantic import ValidationError

from shared.domain.errors import OncoRelayError, TemporaryError
from shared.observability.logging import configure

log = structlog.get_logger("oncorelay.process")

_LOOK_S = 0.1
"""Pause between two looks at the stop signal, in seconds."""
EXIT_CANNOT_START = 78
"""EX_CONFIG of sysexits.h: restarting without a change cannot help."""
EXIT_TRY_AGAIN = 75
"""EX_TEMPFAIL of sysexits.h: the same start may succeed later."""
_OWNER_ONLY = 0o077
"""Mask of what we create: nobody but the owner reads files that may name people."""
_PERMANENT_OS_ERRORS = (PermissionError, FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError)
"""A path or a right is missing: a person has to change something. Any other (address in use, disk full) may pass."""


def service_main(service: str, main: Callable[[], None]) -> None:
    """Run ``main`` with logging set up; our errors become one sentence and an exit status, not a traceback."""
    gc.freeze()  # what was loaded stays: no collection walks over it again, and forked children share it
    configure(service)
    os.umask(_OWNER_ONLY)
    try:
        main()
    except (OncoRelayError, OSError, ValidationError) as error:
        log.error("cannot_start", service=service, reason=_sentence(error))  # noqa: TRY400
        sys.exit(exit_status(error))


def exit_status(error: Exception) -> int:
    """Return 75 for what may pass by itself, 78 for what a person has to change."""
    if isinstance(error, OSError):
        return EXIT_CANNOT_START if isinstance(error, _PERMANENT_OS_ERRORS) else EXIT_TRY_AGAIN
    return EXIT_TRY_AGAIN if isinstance(error, TemporaryError) else EXIT_CANNOT_START


def _sentence(error: Exception) -> str:
    """Return the error's text; of a validation error the places only, because its text quotes the values."""
    if not isinstance(error, ValidationError):
        return str(error)
    places = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in places)


def stop_signal() -> threading.Event:
    """Return an event that SIGTERM or SIGINT sets."""
    event = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: event.set())
    return event


def run_until_stopped(
    service: str, where: str, stop: Callable[[], object], signalled: threading.Event | None = None
) -> None:
    """Say ``ready``, wait for the stop signal, then call ``stop``.

    ``signalled``: the event of a ``stop_signal`` that was called before a door opened, so that a signal that comes as
    soon as somebody can connect stops the service in order.
    """
    event = signalled or stop_signal()
    log.info("ready", service=service, address=where)
    # Not event.wait(): a signal that arrives while it holds the event's lock would wait for that lock for ever.
    while not event.is_set():
        time.sleep(_LOOK_S)
    stop()
    log.info("stopped", service=service)
