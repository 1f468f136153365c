"""Health and metrics of deliver: what became of every try, by sink."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from services.results.config import Settings
from services.results.deliver.ports import Deliveries
from services.results.ledger.findings import DueDelivery, Finding
from services.results.ledger.numbers import Numbers
from shared.domain.errors import ConflictError
from shared.observability import checks, metrics
from shared.observability.health import Check
from shared.observability.operations import Operations

_FAILURES = 3
"""So many failures in a row without a success are told by health."""


@dataclass(slots=True)
class CountedDeliveries:
    """Implements ``ports.Deliveries`` for one sink: the ledger's, counted and timed."""

    inner: Deliveries
    sink: str
    failures: int = 0
    """In a row."""
    _begun: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def take_due(
        self, sink: str, now: datetime, lease_s: float, object_id: Callable[[Finding], str]
    ) -> DueDelivery | None:
        """Take the next one."""
        due = self.inner.take_due(sink, now, lease_s, object_id)
        if due is not None:
            self._begun[due.delivery_id] = time.perf_counter()
        return due

    def delivered(self, due: DueDelivery, object_id: str, location: str, now: datetime) -> None:
        """Record a success."""
        self._end(due, "delivered", lambda: self.inner.delivered(due, object_id, location, now))

    def postpone(self, due: DueDelivery, reason: str, next_time: datetime, now: datetime) -> None:
        """Record a failure that may pass."""
        self._end(due, "postponed", lambda: self.inner.postpone(due, reason, next_time, now))

    def give_up(self, due: DueDelivery, reason: str, now: datetime) -> None:
        """Record a dead letter."""
        self._end(due, "given_up", lambda: self.inner.give_up(due, reason, now))

    def look(self) -> str:
        """Say whether this sink takes what it is sent (``health.Check``)."""
        if self.failures < _FAILURES:
            return ""
        return f"{self.failures} tries in a row failed: `oncorelay cases` says why, `oncorelay doctor` asks the peer"

    def _end(self, due: DueDelivery, outcome: str, record: Callable[[], None]) -> None:
        begun = self._begun.pop(due.delivery_id, None)
        if begun is not None:
            metrics.DELIVERY_SECONDS.observe(time.perf_counter() - begun, sink=self.sink)
        with self._lock:
            self.failures = 0 if outcome == "delivered" else self.failures + 1
        try:
            record()
        except ConflictError:
            metrics.DELIVERY_TRIES.add(sink=self.sink, outcome="lost")
            raise
        metrics.DELIVERY_TRIES.add(sink=self.sink, outcome=outcome)


def operations(
    settings: Settings, numbers: Numbers, sinks: Mapping[str, Check], now: Callable[[], datetime]
) -> Operations:
    """Return what an operator of deliver may look at."""
    metrics.SINK.allow(row.name for row in settings.sinks)

    def sample() -> None:
        metrics.DELIVERIES.put(numbers.deliveries())
        metrics.DELIVERY_AGE.put(numbers.oldest_deliveries(now()))

    watched: dict[str, Check] = {
        "ledger": checks.succeeds(numbers.reachable),
        **{f"sink {name}": check for name, check in sinks.items()},
    }
    return Operations("results.deliver", settings.deliver_ops_address, settings.site.otlp_endpoint, watched, sample)
