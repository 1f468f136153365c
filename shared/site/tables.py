"""Which tables a site file may have, and the sentence for what stands wrongly in one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from shared.domain.errors import InvalidInputError

ARRAYS = ("identity", "sinks")
"""Written ``[[name]]``, once per row."""
SHARED_TABLES = ("site", *ARRAYS)
"""Read by more than one service."""
KNOWN = (
    "site", "identity", "sinks", "up", "dicom_listener", "lab_consumer", "results", "inference", "slide_ingestion",
    "portal", "model_factory",
)  # fmt: skip


def check_tables(document: Mapping[str, Any]) -> None:
    """Refuse a table nobody reads, and one of the wrong shape.

    Raises:
        InvalidInputError: Names the table, and those that are known.
    """
    for name, content in document.items():
        if name not in KNOWN:
            raise InvalidInputError(_written(name, content), f"unknown table; known are {', '.join(KNOWN)}")
        if not isinstance(content, list if name in ARRAYS else dict):
            raise InvalidInputError(_written(name, content), f"must be written {_heading(name)}")


def refusal(error: ValidationError, section: str) -> InvalidInputError:
    """Return the sentence: table, key and why, without the value, which may be a secret."""
    found = [
        (_place(one["loc"], section), _reason(one["type"], one["msg"]))
        for one in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    (place, reason), *others = found
    return InvalidInputError(place, "; ".join([reason, *(f"{where}: {why}" for where, why in others)]))


def _heading(name: str) -> str:
    return f"[[{name}]]" if name in ARRAYS else f"[{name}]"


def _written(name: str, content: Any) -> str:
    if isinstance(content, dict):
        return f"[{name}]"
    return f"[[{name}]]" if isinstance(content, list) else name


def _place(loc: tuple[str | int, ...], section: str) -> str:
    """Return table and key: ``[results] collect_s``; a row of an array with its number, counted from one."""
    path = list(loc)
    table = str(path.pop(0)) if path and path[0] in SHARED_TABLES else section
    numbers = [position for position, part in enumerate(path) if isinstance(part, int)]
    if not numbers:
        return " ".join([_heading(table), ".".join(str(part) for part in path)]).strip()
    at = numbers[0]
    name = ".".join([table, *(str(part) for part in path[:at])])
    key = ".".join(str(part) for part in path[at + 1 :])
    return f"[[{name}]] number {int(path[at]) + 1} {key}".strip()


def _reason(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "unknown key"
    if kind == "tuple_type":
        return "must be a list, written [...]"
    return "missing" if kind == "missing" else message[:1].lower() + message[1:]
