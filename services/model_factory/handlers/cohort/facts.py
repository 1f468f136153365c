"""A cohort as it was read, in numbers: what every report of a run begins with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FlowBox:
    """One box of the flow diagram."""

    label: str
    """Who remains, or why the others left."""
    excluded: int
    remaining: int
    events: int
    """Among those who remain."""


@dataclass(frozen=True, slots=True)
class CohortFacts:
    """The cohort as it was read."""

    name: str
    description: str
    event: str
    """Code of the event, for example ``lung_metastasis``."""
    event_display: str
    competing_event: str
    """Empty where the cohort records none."""
    patients: int
    events: int
    competing_events: int
    candidates: int
    candidate_columns: int
    """Columns of the design matrix: a factor has one for every level but its reference."""
    median_follow_up_years: float
    """By the reverse Kaplan-Meier estimate; among those who stay free of the event."""
    last_event_years: float
    longest_follow_up_years: float
    simulated: bool
    """True where the manifest says that these are no patients."""
    flow: tuple[FlowBox, ...]


@dataclass(frozen=True, slots=True)
class Table1Row:
    """One line of the table of characteristics: overall, without and with the event."""

    variable: str
    level: str
    """Empty for a measured variable."""
    unit: str
    overall: str
    """Median (quartiles) or n (%); as printed."""
    without_event: str
    with_event: str
    missing: int
    test: str
    """Name of the test; empty on the further lines of a factor."""
    p: float | None
