"""The typed cohort everything is trained from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.cohort.facts import FlowBox

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Counts = NDArray[np.intp]

CENSORED, EVENT, COMPETING = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Measured:
    """A candidate with a unit."""

    name: str
    display: str
    unit: str
    """UCUM."""
    detection_limit: float | None = None
    assay_high: float | None = None


@dataclass(frozen=True, slots=True)
class Categorical:
    """A candidate with levels; the first is the reference."""

    name: str
    display: str
    levels: tuple[str, ...]
    unknown: str = ""
    """The level that says nobody knows; empty where there is none."""


Column = Measured | Categorical


@dataclass(frozen=True, slots=True)
class Source:
    """One file the cohort was read from."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class TypedCohort:
    """Patients in the order of the sheet; every array has one entry per patient."""

    name: str
    description: str
    simulated: bool
    event: str
    event_display: str
    competing_display: str
    patients: tuple[str, ...]
    columns: tuple[Column, ...]
    measured: Mapping[str, Numbers]
    """By candidate, in its unit; NaN is missing, -inf is below the detection limit."""
    categorical: Mapping[str, Counts]
    """By candidate, the place in ``levels``; -1 is missing."""
    years: Numbers
    outcome: Counts
    """``CENSORED``, ``EVENT`` or ``COMPETING``."""
    flow: tuple[FlowBox, ...]
    sources: tuple[Source, ...]

    @property
    def n(self) -> int:
        """Return the number of patients."""
        return len(self.patients)

    @property
    def events(self) -> Flags:
        """Return who had the event; a competing event ends follow-up like censoring (cause-specific hazard)."""
        return np.asarray(self.outcome == EVENT)

    def column(self, name: str) -> Column:
        """Return the candidate ``name``.

        Raises:
            KeyError: If there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)
