"""What a log line may not say: texts of exceptions and messages of libraries, which quote what they choked on."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
import warnings
from collections.abc import MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog

WITHHELD = "text withheld: it may quote what it is about"
_ROOT = str(Path(__file__).parents[2])
_SPEAK_FREELY = ("celery", "kombu", "uvicorn", "opentelemetry")
"""Libraries whose messages without arguments are constants; they never see a patient."""


def withhold_library_text(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Of a library's message keep the template (a constant of its source), never what was put into it."""
    record: logging.LogRecord = event["_record"]
    had_arguments = bool(event.pop("positional_args", None))
    if not had_arguments and not record.name.startswith(_SPEAK_FREELY):
        event["event"] = WITHHELD
    event["place"] = f"{record.pathname}:{record.lineno}"
    return event


def withhold_exceptions(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an exception by its type and the place it was raised at."""
    found = event.pop("exc_info", None)
    event.pop("stack_info", None)
    if found is True:
        found = sys.exc_info()
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event.setdefault("error", type(error).__name__)
        event.setdefault("place", _place(error.__traceback__))
    return event


def guard_standard_error(service: str) -> None:
    """Have what Python itself would print (uncaught exceptions, warnings) logged without its text."""
    log = structlog.get_logger("oncorelay.process").bind(service=service)

    def uncaught(kind: type[BaseException], _: BaseException | None, trace: TracebackType | None) -> None:
        log.critical("uncaught", error=kind.__name__, place=_place(trace))

    def warned(_: Warning | str, category: type[Warning], filename: str, lineno: int, *_more: Any) -> None:
        log.warning("warned", category=category.__name__, place=f"{filename}:{lineno}")

    sys.excepthook = uncaught
    threading.excepthook = lambda found: uncaught(found.exc_type, found.exc_value, found.exc_traceback)
    warnings.showwarning = warned  # type: ignore[assignment]  # called by position only


def _place(trace: TracebackType | None) -> str:
    """Return the last place in code of ours, else the last of all."""
    frames = traceback.extract_tb(trace)
    ours = [one for one in frames if one.filename.startswith(_ROOT) and "site-packages" not in one.filename]
    return next((f"{one.filename}:{one.lineno}" for one in reversed(ours or frames)), "")
