"""The hospital's FHIR server, and what is to be asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.errors import PermanentError, UnavailableError
from shared.domain.identity import PatientIdentity


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing to ask of the FHIR server: a resource by its id, or whatever it holds about an identity."""

    resource_type: str = ""
    resource_id: str = ""
    identity: PatientIdentity | None = None
    wishes: int = 0
    """How often it was wished for so far: what is wished again while it is asked stays open."""
    tries: int = 0


class PullQueue(Protocol):
    """What is to be asked of the FHIR server, and how far it was asked. Durable; raises like ``FactStore``."""

    def want(self, wishes: Sequence[Wish], now: datetime) -> int:
        """Remember wishes, due at once; return how many are new. An identity is wished for once and never again."""
        ...

    def due(self, now: datetime, limit: int) -> tuple[Wish, ...]:
        """Return wishes that are due, oldest first."""
        ...

    def settle(self, wish: Wish, now: datetime) -> None:
        """A wish is fulfilled, unless it came again meanwhile."""
        ...

    def postpone(self, wish: Wish, until: datetime) -> None:
        """Try again at ``until``."""
        ...

    def waiting(self) -> int:
        """Return how many wishes are open."""
        ...

    def cursor(self, resource_type: str) -> str:
        """Return ``meta.lastUpdated`` up to which this type was polled; empty: never."""
        ...

    def advance(self, resource_type: str, since: str) -> None:
        """Remember how far this type was polled."""
        ...

    def event(self, subscription: str) -> int | None:
        """Return the number of the last event heard of a subscription; None: none was."""
        ...

    def heard(self, subscription: str, event: int) -> None:
        """Remember it."""
        ...


class BusyError(UnavailableError):
    """The FHIR server asks us to come back later: in ``after_s`` seconds, 0 where it does not say."""

    def __init__(self, reason: str, after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.after_s = after_s


class FhirSource(Protocol):
    """The configured FHIR server, read only. No URL of a message is ever followed, but a next page of its own.

    Every method raises ``UnavailableError`` where it cannot be asked now and ``PermanentError`` where it refuses.
    """

    def read(self, resource_type: str, resource_id: str) -> bytes | None:
        """Return a resource; None where there is none of this id.

        Raises:
            GoneError: If it was deleted.
        """
        ...

    def changed(self, resource_type: str, since: str, page_size: int) -> bytes:
        """Return the first page (a Bundle) of what changed after ``since`` (a FHIR instant), oldest first."""
        ...

    def search(self, resource_type: str, parameters: Sequence[tuple[str, str]]) -> bytes:
        """Return the first page of a search whose parameters stand in no URL."""
        ...

    def capability(self) -> bytes:
        """Return the server's CapabilityStatement."""
        ...

    def page(self, link: str) -> bytes:
        """Return another page by ``Bundle.link`` with relation next.

        Raises:
            PermanentError: If the link leads to another server.
        """
        ...


class GoneError(PermanentError):
    """The resource was deleted (HTTP 410)."""
