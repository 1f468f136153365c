"""Announce changed facts to results: at least once, in order per patient, with growing pauses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.lab_consumer.ports import Announcement, Outbox, Results
from shared.domain.errors import OncoRelayError
from shared.observability import tracing

_MAX_DOUBLINGS = 20


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long to wait after a failure, in seconds."""

    first_s: float
    longest_s: float

    def after(self, tries: int) -> timedelta:
        """Return the pause after ``tries`` failures."""
        return timedelta(seconds=min(self.longest_s, self.first_s * 2 ** min(tries, _MAX_DOUBLINGS)))


@dataclass(frozen=True, slots=True)
class AnnounceDue:
    """Deliver what is due once; what fails is due again later, for ever."""

    outbox: Outbox
    results: Results
    pauses: Pauses
    now: Callable[[], datetime]
    failed: Callable[[Announcement, OncoRelayError], None]

    def __call__(self) -> int:
        """Return how many were announced."""
        return sum(self._one(announcement) for announcement in self.outbox.due(self.now()))

    def _one(self, announcement: Announcement) -> bool:
        try:
            with tracing.span("facts.announce", about=("announcement", announcement.request_id)):
                self.results.announce_facts(announcement.request_id, announcement.identity)
        except OncoRelayError as error:
            self.failed(announcement, error)
            self.outbox.postpone(announcement, self.now() + self.pauses.after(announcement.tries))
            return False
        self.outbox.announced(announcement, self.now())
        return True
