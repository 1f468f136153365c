"""What dispatch needs from the ledger, from the lab consumer, from the bundles and from the queue."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from services.results.ledger.collecting import DueCase
from services.results.ledger.orders import Order
from shared.domain.case import PinnedInput, Pins
from shared.domain.facts import PatientFacts
from shared.domain.identity import PatientIdentity
from shared.domain.prediction import BundleReference, NotAnalysed
from shared.domain.slides import Scanner, SlideCalibration


class Cases(Protocol):
    """The collecting side of the ledger."""

    def due(self, now: datetime, limit: int = 50) -> tuple[DueCase, ...]:
        """Return the cases to evaluate now."""
        ...

    def pin(self, due: DueCase, pins: Pins, now: datetime) -> None:
        """Fix the inputs and order a run."""
        ...

    def wait(self, due: DueCase, missing: tuple[str, ...], now: datetime) -> None:
        """Keep collecting."""
        ...

    def refuse(self, due: DueCase, refusal: NotAnalysed, now: datetime) -> None:
        """End as not analysed."""
        ...

    def overtake(self, due: DueCase, refusal: NotAnalysed, inputs: tuple[PinnedInput, ...], now: datetime) -> None:
        """End as not analysed, unless an answer to exactly these inputs speaks."""
        ...

    def conflict(self, due: DueCase, reason: str, now: datetime) -> None:
        """Stop at an identity conflict."""
        ...

    def postpone(self, due: DueCase, until: datetime) -> None:
        """Look again later."""
        ...

    def trouble(self, due: DueCase, reason: str, until: datetime, now: datetime) -> None:
        """Tell a person, once, that this case cannot be evaluated; look again at ``until``."""
        ...


class Facts(Protocol):
    """Where facts come from."""

    def get_facts(self, identity: PatientIdentity) -> PatientFacts:
        """Return what is known now, by the clock of those who know it; the answer says as of when.

        Raises:
            UnavailableError: If nobody can be asked now.
        """
        ...


class Bundles(Protocol):
    """Which models are installed."""

    def for_variant(self, predictor: str, variant: str) -> BundleReference | None:
        """Return the bundle that answers for a variant, or None."""
        ...


class Recalled(Protocol):
    """Which models must not be used."""

    def why_not(self, bundle: BundleReference) -> str:
        """Return why a bundle must not be used; empty where it may."""
        ...


class Outbox(Protocol):
    """Orders that are to be sent."""

    def due(self, now: datetime, limit: int = 50) -> tuple[Order, ...]:
        """Return orders to send now."""
        ...

    def sent(self, order: Order, now: datetime) -> None:
        """Record that an order is with the queue."""
        ...

    def lost(self, before: datetime, now: datetime) -> int:
        """Make due again what an empty queue has lost."""
        ...

    def waiting(self) -> int:
        """Return how many cases are queued."""
        ...


class Calibrations(Protocol):
    """What the site measured about its scanners."""

    def choose(self, bundle: BundleReference, scanner: Scanner) -> tuple[SlideCalibration | None, tuple[str, ...]]:
        """Return the record for this bundle and scanner; and, where there is none, what may be the reason."""
        ...


class Queue(Protocol):
    """Celery, as far as dispatch is concerned."""

    def send(self, case_id: str, revision: int) -> None:
        """Send one order.

        Raises:
            UnavailableError: If Redis cannot be reached.
        """
        ...

    def waiting(self) -> int:
        """Return how many orders the queue holds, taken ones included.

        Raises:
            UnavailableError: If Redis cannot be reached.
        """
        ...


class Leases(Protocol):
    """Attempts whose lease may have passed."""

    def expire(self, now: datetime) -> int:
        """Take cases away from attempts whose lease has passed; return how many."""
        ...


class Deadlines(Protocol):
    """States that may have been waited in for too long."""

    def tell(self, now: datetime) -> int:
        """Tell a person about everything newly overdue; return how much that was."""
        ...
