"""What deliver needs from the ledger and from a sink."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.results.ledger.findings import DueDelivery, Finding, Predecessor


class Deliveries(Protocol):
    """The delivery machine of the ledger. Every outcome needs the token: a stale one is refused."""

    def take_due(
        self, sink: str, now: datetime, lease_s: float, object_id: Callable[[Finding], str]
    ) -> DueDelivery | None:
        """Take the next due delivery of ``sink`` (due -> sending), or None; ``object_id`` is noted before it leaves.

        Order: a later revision of a case is not handed out before its predecessor at this sink has settled
        (delivered, or dead letter). A delivery whose sender died is handed out again once its lease has passed.
        """
        ...

    def delivered(self, due: DueDelivery, object_id: str, location: str, now: datetime) -> None:
        """Sending -> delivered.

        Raises:
            ConflictError: If the token is stale.
        """
        ...

    def postpone(self, due: DueDelivery, reason: str, next_time: datetime, now: datetime) -> None:
        """Sending -> due at ``next_time``, with the reason a person reads meanwhile."""
        ...

    def give_up(self, due: DueDelivery, reason: str, now: datetime) -> None:
        """Sending -> dead_letter; a person is told."""
        ...


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivery that was sent *and read back*."""

    object_id: str
    """What a successor must name: SOP Instance UID, FHIR ``RiskAssessment/id``, file name."""
    location: str
    """Where a person finds it: URL or path."""


class Sink(Protocol):
    """One PACS, EHR or folder."""

    @property
    def name(self) -> str:
        """Name from the site's configuration."""
        ...

    def object_id(self, finding: Finding) -> str:
        """Return the name the object will have there; empty where only the sink can give it."""
        ...

    def deliver(self, finding: Finding, predecessors: Sequence[Predecessor]) -> Sent:
        """Render, send, read back, compare; repeating it makes nothing new at the sink.

        Raises:
            TemporaryError: The same delivery may succeed later.
            PermanentError: It cannot; the sentence says what to change.
        """
        ...
