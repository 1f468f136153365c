"""Who is told: results, and who ingests slides."""

from __future__ import annotations

from typing import Protocol

from shared.domain.governance import PatientChange
from shared.domain.identity import PatientIdentity
from shared.domain.slide_orders import SlideOrder
from shared.domain.study import Study


class SlideOrders(Protocol):
    """Who ingests slides."""

    def record_order(self, request_id: str, order: SlideOrder) -> None:
        """Record an order, a newer version of it, or its withdrawal.

        Raises:
            OncoRelayError: If it was not taken.
        """
        ...


class Results(Protocol):
    """Who wants to know."""

    def announce_facts(self, request_id: str, identity: PatientIdentity) -> int:
        """Say that facts changed; return how many cases are looked at again.

        Raises:
            OncoRelayError: If it was not taken.
        """
        ...

    def submit_panel(self, request_id: str, panel: Study) -> tuple[str, ...]:
        """Hand over a panel; return its cases.

        Raises:
            OncoRelayError: If it was not taken.
        """
        ...

    def report_patient_change(self, request_id: str, change: PatientChange) -> tuple[int, int]:
        """Say that identities changed; return (results taken back, cases asked again).

        Raises:
            OncoRelayError: If it was not taken.
        """
        ...
