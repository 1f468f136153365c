"""A cohort ready to be scored, with the flow of exclusions that made it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
"""One line of a cohort sheet, by our column names."""


@dataclass(frozen=True, slots=True)
class FlowStep:
    """One box of the flow diagram."""

    label: str
    """Who remains, or why the others left."""
    excluded: int
    remaining: int


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient: levels of the predictor's inputs, and whether the event happened."""

    levels: dict[str, str]
    event: bool


@dataclass(frozen=True, slots=True)
class Cohort:
    """Patients the predictor can be asked about."""

    name: str
    description: str
    positive_class: str
    """The event ``Patient.event`` stands for."""
    patients: tuple[Patient, ...]
    flow: tuple[FlowStep, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """One inclusion criterion; rows that do not meet ``keeps`` leave with ``reason``."""

    reason: str
    keeps: Callable[[Row], bool]


def flow_through(rows: Sequence[Row], start: str, filters: Sequence[Filter]) -> tuple[list[Row], tuple[FlowStep, ...]]:
    """Apply the criteria in order; return who remains and the boxes of the diagram."""
    remaining, steps = list(rows), [FlowStep(start, 0, len(rows))]
    for one in filters:
        kept = [row for row in remaining if one.keeps(row)]
        steps.append(FlowStep(one.reason, len(remaining) - len(kept), len(kept)))
        remaining = kept
    return remaining, tuple(steps)
