"""What folds and preparation need of a cohort, whatever its outcome is: time to an event, or yes and no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from services.model_factory.handlers.cohort.facts import FlowBox
from services.model_factory.handlers.cohort.typed import Column, Counts, Flags, Numbers


class People(Protocol):
    """Patients with candidates and an event; every array has one entry per patient."""

    @property
    def patients(self) -> tuple[str, ...]:
        """Return the pseudonyms, in the order of the sheet."""
        ...

    @property
    def n(self) -> int:
        """Return the number of patients."""
        ...

    @property
    def events(self) -> Flags:
        """Return who had the event."""
        ...

    @property
    def columns(self) -> tuple[Column, ...]:
        """Return the candidates."""
        ...

    @property
    def measured(self) -> Mapping[str, Numbers]:
        """Return the measured candidates by name, in their units; NaN is missing."""
        ...

    @property
    def categorical(self) -> Mapping[str, Counts]:
        """Return the places in ``levels`` by candidate; -1 is missing."""
        ...

    def column(self, name: str) -> Column:
        """Return the candidate ``name``.

        Raises:
            KeyError: If there is none.
        """
        ...


class Described(People, Protocol):
    """People whose manifest says who they are."""

    @property
    def name(self) -> str:
        """Return the cohort's name."""
        ...

    @property
    def description(self) -> str:
        """Return what the manifest says of it."""
        ...

    @property
    def event(self) -> str:
        """Return the code of the event."""
        ...

    @property
    def event_display(self) -> str:
        """Return the event in words."""
        ...

    @property
    def simulated(self) -> bool:
        """Return whether these are no patients."""
        ...

    @property
    def flow(self) -> tuple[FlowBox, ...]:
        """Return who was left out, in order."""
        ...
