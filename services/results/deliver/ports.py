"""What deliver needs from the ledger and from a sink."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.results.ledger.breaker import Outage
from services.results.ledger.findings import DueDelivery, Finding, Predecessor
from shared.domain.case import DeliveryState
from shared.domain.errors import OutOfResourcesError, PermanentError, UnavailableError
from shared.domain.prediction import BundleReference


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

    def accepted(self, bundle: BundleReference) -> bool:
        """Tell whether the site has accepted this build of a bundle."""
        ...

    def delivered(self, due: DueDelivery, object_id: str, location: str, now: datetime) -> None:
        """Sending -> delivered.

        Raises:
            ConflictError: If the token is stale.
        """
        ...

    def postpone(
        self, due: DueDelivery, reason: str, next_time: datetime, now: datetime, *, nothing_left: bool = False
    ) -> None:
        """Sending -> due at ``next_time``, with the reason a person reads meanwhile; the sink answered."""
        ...

    def unavailable(self, due: DueDelivery, outage: Outage, now: datetime) -> DeliveryState:
        """Sending -> due without losing the try; dead_letter where only this delivery fails and tries are used up."""
        ...

    def give_up(
        self, due: DueDelivery, reason: str, now: datetime, *, nothing_left: bool = False, answered: bool = False
    ) -> None:
        """Sending -> dead_letter; a person is told. ``answered``: it was the sink that said no."""
        ...


class NotReachedError(UnavailableError):
    """No connection to the sink: nothing of the object left us."""


class BusyError(OutOfResourcesError):
    """The sink answered that it cannot now; ``after_s`` is how long it asks us to wait (0: it does not say)."""

    def __init__(self, text: str, after_s: float = 0.0) -> None:
        super().__init__(text)
        self.after_s = after_s


class RefusedError(PermanentError):
    """The sink answered that it will not take the object; it is not there."""


class NotOfferedError(RefusedError):
    """The sink is there and offers no such service, or takes no such kind of object."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivery that was sent *and read back*."""

    object_id: str
    """What a successor must name: SOP Instance UID, FHIR ``RiskAssessment/id``, file name."""
    location: str
    """Where a person finds it: URL or path."""


class Pages(Protocol):
    """The page a person opens: a result on paper, with its nomogram where there is one."""

    def page(self, finding: Finding) -> bytes:
        """Return the PDF; the same bytes for the same finding.

        Raises:
            PermanentError: If the nomogram cannot be drawn: the bundle that answered is no longer here.
        """
        ...


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
