"""Rows of metrics from published tables, as TOML: one file per table, numbers as printed.

Keys: ``source``, ``unit``, ``columns``, ``rows`` ("MODEL SET" = numbers), ``sets`` (n, positives where known), and the
class either for the whole file (``classes``, ``positive_class``) or per task (``tasks``, by the row's first word).
"""

from __future__ import annotations

import tomllib
from typing import Any

from services.model_factory.handlers.statistics.reported import Reported
from shared.domain.errors import InvalidInputError


def read_reported(text: str) -> tuple[Reported, ...]:
    """Return the rows of one file.

    Raises:
        InvalidInputError: If the text is not TOML, or a row lacks what a metric needs.
    """
    try:
        table = tomllib.loads(text)
        return tuple(_row(table, name, numbers) for name, numbers in table["rows"].items())
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInputError("literature rows", str(error)) from error


def _row(table: dict[str, Any], name: str, numbers: list[float]) -> Reported:
    task = table["tasks"][name.split(maxsplit=1)[0]] if "tasks" in table else table
    part = table["sets"][name.rsplit(maxsplit=1)[-1]]
    positives = part.get("positives")
    share = positives / part["n"] if positives else _of(task.get("prevalence"))
    return Reported(
        source=table["source"],
        row=name,
        classes=task["classes"],
        positive_class=task.get("positive_class"),
        unit=table["unit"],
        n=part["n"],
        prevalence=share,
        exact=positives is not None,
        positives=positives,
        values=dict(zip(table["columns"], numbers, strict=True)),
        averaged="tasks" in table,
    )


def _of(pair: list[int] | None) -> float | None:
    return pair[0] / pair[1] if pair else None
