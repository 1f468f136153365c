"""Health and metrics of deliver: what became of every try, by sink."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

from services.results.config import Settings
from services.results.deliver.ports import Deliveries
from services.results.ledger.breaker import Outage
from services.results.ledger.findings import DueDelivery, Finding
from services.results.ledger.numbers import Numbers
from shared.domain.case import DeliveryState
from shared.domain.errors import ConflictError
from shared.domain.prediction import BundleReference
from shared.observability import checks, metrics
from shared.observability.health import Check
from shared.observability.operations import Operations

T = TypeVar("T")


@dataclass(slots=True)
class CountedDeliveries:
    """Implements ``ports.Deliveries`` for one sink: the ledger's, counted and timed."""

    inner: Deliveries
    sink: str
    _begun: dict[str, float] = field(default_factory=dict)

    def take_due(
        self, sink: str, now: datetime, lease_s: float, object_id: Callable[[Finding], str]
    ) -> DueDelivery | None:
        """Take the next one."""
        due = self.inner.take_due(sink, now, lease_s, object_id)
        if due is not None:
            self._begun[due.delivery_id] = time.perf_counter()
        return due

    def accepted(self, bundle: BundleReference) -> bool:
        """Ask whether the site has accepted a bundle."""
        return self.inner.accepted(bundle)

    def delivered(self, due: DueDelivery, object_id: str, location: str, now: datetime) -> None:
        """Record a success."""
        self._end(due, "delivered", lambda: self.inner.delivered(due, object_id, location, now))

    def postpone(
        self, due: DueDelivery, reason: str, next_time: datetime, now: datetime, *, nothing_left: bool = False
    ) -> None:
        """Record a failure that may pass."""
        again = partial(self.inner.postpone, due, reason, next_time, now, nothing_left=nothing_left)
        self._end(due, "postponed", again)

    def unavailable(self, due: DueDelivery, outage: Outage, now: datetime) -> DeliveryState:
        """Record that the sink could not be reached."""
        return self._end(due, "unavailable", lambda: self.inner.unavailable(due, outage, now))

    def give_up(
        self, due: DueDelivery, reason: str, now: datetime, *, nothing_left: bool = False, answered: bool = False
    ) -> None:
        """Record a dead letter."""
        letter = partial(self.inner.give_up, due, reason, now, nothing_left=nothing_left, answered=answered)
        self._end(due, "given_up", letter)

    def _end(self, due: DueDelivery, outcome: str, record: Callable[[], T]) -> T:
        begun = self._begun.pop(due.delivery_id, None)
        if begun is not None:
            metrics.DELIVERY_SECONDS.observe(time.perf_counter() - begun, sink=self.sink)
        try:
            state = record()
        except ConflictError:
            metrics.DELIVERY_TRIES.add(sink=self.sink, outcome="lost")
            raise
        metrics.DELIVERY_TRIES.add(sink=self.sink, outcome=outcome)
        return state


def operations(
    settings: Settings, numbers: Numbers, sinks: Mapping[str, Check], now: Callable[[], datetime]
) -> Operations:
    """Return what an operator of deliver may look at."""
    metrics.SINK.allow(row.name for row in settings.sinks)

    def sample() -> None:
        metrics.DELIVERIES.put(numbers.deliveries())
        metrics.DELIVERY_AGE.put(numbers.oldest_deliveries(now()))
        metrics.SINK_OPEN.put(numbers.open_sinks(now()))

    watched: dict[str, Check] = {
        "ledger": checks.succeeds(numbers.reachable),
        **sinks,
    }
    return Operations("results.deliver", settings.deliver_ops_address, settings.site.otlp_endpoint, watched, sample)
