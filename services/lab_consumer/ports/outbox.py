"""What others are to be told, and what is due of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.lab_consumer.ports.panels import Panel
from shared.domain.governance import PatientChange
from shared.domain.identity import PatientIdentity
from shared.domain.slide_orders import SlideOrder


@dataclass(frozen=True, slots=True)
class Announcement:
    """Word that a patient's facts changed, on its way to results."""

    sequence: int
    request_id: str
    identity: PatientIdentity
    tries: int


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """Word of a change of patients, on its way to results."""

    sequence: int
    request_id: str
    change: PatientChange
    tries: int


@dataclass(frozen=True, slots=True)
class PanelReport:
    """A panel on its way to results."""

    request_id: str
    panel: Panel
    tries: int


@dataclass(frozen=True, slots=True)
class OrderReport:
    """An order for a slide on its way to slide ingestion."""

    request_id: str
    order: SlideOrder
    tries: int


class Outbox(Protocol):
    """Announcements that are due."""

    def due(self, now: datetime) -> tuple[Announcement, ...]:
        """Return the newest due announcement of each patient, oldest first; none while a change of patients is open."""
        ...

    def announced(self, announcements: Sequence[Announcement], now: datetime) -> None:
        """Settle them, and the older ones of the same patients, at once."""
        ...

    def postpone(self, announcement: Announcement, until: datetime) -> None:
        """Try again at ``until``."""
        ...

    def changes_due(self, now: datetime) -> tuple[ChangeReport, ...]:
        """Return the changes to tell now, oldest first: none that stands behind one which is not due."""
        ...

    def change_announced(self, report: ChangeReport, now: datetime) -> None:
        """Settle it."""
        ...

    def postpone_change(self, report: ChangeReport, until: datetime) -> None:
        """Try again at ``until``."""
        ...

    def panels_due(self, now: datetime) -> tuple[PanelReport, ...]:
        """Return the due panels, oldest first; none while a change of patients is open."""
        ...

    def panel_submitted(self, report: PanelReport, now: datetime) -> None:
        """Settle it, unless the panel has changed since."""
        ...

    def postpone_panel(self, report: PanelReport, until: datetime) -> None:
        """Try again at ``until``."""
        ...

    def tell(self, reason: str, now: datetime) -> None:
        """Show a person, among the refusals, that something cannot be announced."""
        ...


class OrderOutbox(Protocol):
    """Orders for slides that are due."""

    def due(self, now: datetime) -> tuple[OrderReport, ...]:
        """Return the due orders, oldest first."""
        ...

    def recorded(self, report: OrderReport, now: datetime) -> None:
        """Settle it, unless the order has changed since."""
        ...

    def postpone(self, report: OrderReport, until: datetime) -> None:
        """Try again at ``until``."""
        ...

    def tell(self, reason: str, now: datetime) -> None:
        """Show a person, among the refusals, that an order cannot be handed over."""
        ...
