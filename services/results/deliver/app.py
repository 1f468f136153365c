"""Wiring: settings and the ledger's delivery machine in, workers for each sink out."""

from __future__ import annotations

import random
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial

import sqlalchemy as sa

from services.results.config import Settings, SinkSettings, sink_names
from services.results.deliver.adapters.operations import CountedDeliveries
from services.results.deliver.adapters.sinks import build_sink
from services.results.deliver.handlers.deliver_one import DeliverOne, RetryPolicy
from services.results.deliver.handlers.sink_worker import SinkWorker
from services.results.deliver.ports import Deliveries, Sink
from services.results.ledger.breaker import BreakerRule
from services.results.ledger.ledger import policy_of
from services.results.ledger.sinks import Sinks
from shared.observability.health import Check

_LEASE_TIMEOUTS = 4
"""A lease lasts this many of the sink's timeouts; a slower delivery may be sent twice, which changes nothing."""
_STOP_TIMEOUTS = 2
_HELPERS_PAUSE = 5
"""An idle sink costs little: all workers but the first look at the ledger this many times less often."""


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class App:
    """The running workers; whoever starts it stops it."""

    def __init__(self, workers: tuple[SinkWorker, ...], opened: ExitStack, patience_s: float) -> None:
        self._workers = workers
        self._opened = opened
        self._patience_s = patience_s

    def start(self) -> None:
        """Start every worker."""
        for worker in self._workers:
            worker.start()

    def stop(self) -> bool:
        """Finish what is under way, take nothing new, close everything; return whether all workers ended in time."""
        for worker in self._workers:
            worker.ask_to_stop()
        ended = [worker.join(self._patience_s) for worker in self._workers]
        self._opened.close()
        return all(ended)


def build(settings: Settings, deliveries: Deliveries) -> App:
    """Return the workers of all configured sinks, not yet started.

    Raises:
        InvalidInputError: If a sink's table lacks what its kind needs.
        InvalidInputError: If two sinks share a name.
    """
    sink_names(settings.sinks)
    counted = {row.name: CountedDeliveries(deliveries, row.name) for row in settings.sinks}
    with ExitStack() as opened:
        workers = tuple(
            worker
            for row in settings.sinks
            for worker in _workers(
                row, deliver_one(row, build_sink(settings, row, opened), counted[row.name]), settings.poll_s
            )
        )
        patience = max((row.timeout_s for row in settings.sinks), default=0.0) * _STOP_TIMEOUTS
        return App(workers, opened.pop_all(), patience)


def checks(settings: Settings, engine: sa.Engine) -> dict[str, Check]:
    """Return the health checks of deliver: per sink one, which says what is wrong with it ("" where nothing is)."""
    sinks = Sinks(engine, policy_of(settings))
    return {f"sink {row.name}": partial(sinks.trouble, row.name) for row in settings.sinks}


def _workers(row: SinkSettings, use_case: DeliverOne, poll_s: float) -> list[SinkWorker]:
    """Return the workers of a sink: the first looks often, the others join in when there is more to do."""
    pauses = [poll_s] + [poll_s * _HELPERS_PAUSE] * (row.workers - 1)
    return [SinkWorker(row.name, use_case, pause) for pause in pauses]


def deliver_one(settings: SinkSettings, sink: Sink, deliveries: Deliveries) -> DeliverOne:
    """Return the use case for one sink, with the real clock and real jitter."""
    return DeliverOne(
        deliveries,
        sink,
        RetryPolicy(settings.max_tries, settings.first_retry_s, settings.longest_retry_s),
        lease_s=settings.timeout_s * _LEASE_TIMEOUTS,
        clinical=settings.clinical,
        now=utc_now,
        jitter=random.SystemRandom().random,
        rule=BreakerRule(
            settings.breaker_failures,
            timedelta(seconds=settings.breaker_first_s),
            timedelta(seconds=settings.breaker_longest_s),
        ),
    )
