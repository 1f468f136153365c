"""What deliver counts of every try, and when a sink counts as being in trouble."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from services.results.deliver.adapters.operations import CountedDeliveries
from shared.domain.errors import ConflictError
from shared.observability import metrics
from tests.findings import MADE, Findings
from tests.memory_deliveries import MemoryDeliveries

SINK = "counted"


@pytest.fixture
def deliveries(findings: Findings) -> CountedDeliveries:
    metrics.SINK.allow([SINK])
    inner = MemoryDeliveries()
    inner.owe(findings.prediction(), MADE, SINK)
    return CountedDeliveries(inner, SINK)


def tries(outcome: str) -> float:
    labels = {"sink": SINK, "outcome": outcome}
    return REGISTRY.get_sample_value("oncorelay_deliver_tries_total", labels) or 0.0


def test_every_outcome_of_a_try_is_counted(deliveries: CountedDeliveries) -> None:
    before = tries("postponed"), tries("delivered")
    for _ in range(3):
        due = deliveries.take_due(SINK, MADE, 30.0, lambda _: "name")
        assert due is not None
        deliveries.postpone(due, "busy", MADE, MADE)

    due = deliveries.take_due(SINK, MADE, 30.0, lambda _: "name")
    assert due is not None
    deliveries.delivered(due, "name", "nowhere", MADE)
    assert (tries("postponed") - before[0], tries("delivered") - before[1]) == (3.0, 1.0)


def test_a_delivery_somebody_else_took_meanwhile_counts_as_lost(deliveries: CountedDeliveries) -> None:
    before = tries("lost")
    due = deliveries.take_due(SINK, MADE, 30.0, lambda _: "name")
    assert due is not None
    assert isinstance(deliveries.inner, MemoryDeliveries)
    deliveries.inner.stale = True

    with pytest.raises(ConflictError):
        deliveries.delivered(due, "name", "nowhere", MADE)
    assert tries("lost") - before == 1.0
