"""One delivery: delivered, tried again with growing pauses, or given up where a person sees it."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.results.deliver.handlers.deliver_one import DeliverOne, RetryPolicy
from services.results.deliver.handlers.sink_worker import SinkWorker
from shared.domain.errors import PermanentError, TemporaryError
from shared.domain.prediction import IntendedUse, VariantAnswer
from shared.testing.ports import wait_until
from tests.findings import MADE, Findings
from tests.memory_deliveries import MemoryDeliveries, ScriptedSink

POLICY = RetryPolicy(max_tries=3, first_s=2.0, longest_s=600.0)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.moment = MADE

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def one(deliveries: MemoryDeliveries, sink: ScriptedSink, clock: Clock, *, clinical: bool = False) -> DeliverOne:
    return DeliverOne(deliveries, sink, POLICY, 60.0, clinical, clock, lambda: 0.0)


def test_nothing_due_is_nothing_to_do() -> None:
    assert one(MemoryDeliveries(), ScriptedSink([]), Clock())() is False


def test_what_was_read_back_is_delivered(findings: Findings) -> None:
    deliveries = MemoryDeliveries()
    row = deliveries.owe(findings.prediction(), MADE)
    assert one(deliveries, ScriptedSink([None]), Clock())() is True
    assert (row.state, row.object_id) == ("delivered", "object-f1")


def test_a_temporary_failure_waits_longer_each_time_and_ends_as_a_dead_letter(findings: Findings) -> None:
    deliveries, clock = MemoryDeliveries(), Clock()
    row = deliveries.owe(findings.prediction(), MADE)
    deliver = one(deliveries, ScriptedSink([TemporaryError("busy")] * 3), clock)
    pauses = []
    while row.state == "due":
        deliver()
        pauses.append((row.due_time - clock()).total_seconds())
        clock.advance(pauses[-1])
    assert pauses == [2.0, 4.0, 0.0]
    assert (row.state, row.reasons[-1]) == ("dead_letter", "busy (try 3 of 3)")


def test_before_its_time_nothing_is_tried_again(findings: Findings) -> None:
    deliveries, clock = MemoryDeliveries(), Clock()
    deliveries.owe(findings.prediction(), MADE)
    deliver = one(deliveries, ScriptedSink([TemporaryError("busy")]), clock)
    assert [deliver(), deliver()] == [True, False]


def test_a_permanent_failure_is_given_up_at_once_with_its_sentence(findings: Findings) -> None:
    deliveries = MemoryDeliveries()
    row = deliveries.owe(findings.prediction(), MADE)
    one(deliveries, ScriptedSink([PermanentError("no such Patient")]), Clock())()
    assert (row.state, row.reasons) == ("dead_letter", ["no such Patient"])


def test_a_defect_of_ours_ends_at_a_person_and_quotes_nothing(findings: Findings) -> None:
    deliveries = MemoryDeliveries()
    row = deliveries.owe(findings.prediction(), MADE)
    one(deliveries, ScriptedSink([KeyError("Müster^Änne")]), Clock())()
    assert row.state == "due"
    assert row.reasons == ["unexpected KeyError in the sink's adapter"]


def test_a_lost_token_is_no_error_of_ours(findings: Findings) -> None:
    deliveries = MemoryDeliveries(stale=True)
    deliveries.owe(findings.prediction(), MADE)
    assert one(deliveries, ScriptedSink([None]), Clock())() is True


@pytest.mark.parametrize("use", [IntendedUse.DEMONSTRATION, IntendedUse.RESEARCH])
def test_a_clinical_sink_refuses_what_is_not_for_clinical_use(findings: Findings, use: IntendedUse) -> None:
    deliveries = MemoryDeliveries()
    row = deliveries.owe(findings.prediction(use=use), MADE)
    one(deliveries, ScriptedSink([None]), Clock(), clinical=True)()
    assert row.state == "dead_letter"
    assert f"refuses results for {use} use" in row.reasons[0]


def test_a_clinical_sink_takes_a_clinical_result_a_refusal_and_a_withdrawal(findings: Findings) -> None:
    deliveries = MemoryDeliveries()
    clinical = findings.prediction(use=IntendedUse.CLINICAL)
    assert clinical.prediction is not None
    deliveries.accepted_digests.add(clinical.prediction.bundle.digest)
    rows = [deliveries.owe(f, MADE) for f in (clinical, findings.not_analysed(), findings.withdrawal(clinical))]
    deliver = one(deliveries, ScriptedSink([]), Clock(), clinical=True)
    while deliver():
        pass
    assert {row.state for row in rows} == {"delivered"}


def test_a_clinical_sink_refuses_a_clinical_result_of_a_bundle_the_site_has_not_accepted(findings: Findings) -> None:
    deliveries, sink = MemoryDeliveries(), ScriptedSink([None])
    row = deliveries.owe(findings.prediction(use=IntendedUse.CLINICAL), MADE)
    one(deliveries, sink, Clock(), clinical=True)()
    assert row.state == "dead_letter"
    assert "the site has not accepted" in row.reasons[0]


def test_a_clinical_sink_asks_for_acceptance_of_every_bundle_whose_number_is_shown(findings: Findings) -> None:
    deliveries = MemoryDeliveries()
    clinical = findings.prediction(use=IntendedUse.CLINICAL)
    assert clinical.prediction is not None
    deliveries.accepted_digests.add(clinical.prediction.bundle.digest)
    other = replace(clinical.prediction.bundle, bundle_id="beside-it", digest="b" * 64)
    shown = replace(clinical.prediction, variants=(VariantAnswer("clinical", 0.3, other),))
    row = deliveries.owe(replace(clinical, prediction=shown), MADE)
    one(deliveries, ScriptedSink([None]), Clock(), clinical=True)()

    assert row.state == "dead_letter"
    assert "has not accepted beside-it" in row.reasons[0]


def test_a_sink_that_is_not_clinical_asks_for_no_acceptance(findings: Findings) -> None:
    deliveries = MemoryDeliveries()
    row = deliveries.owe(findings.prediction(use=IntendedUse.CLINICAL), MADE)
    one(deliveries, ScriptedSink([None]), Clock())()
    assert row.state == "delivered"


@pytest.mark.parametrize("use", [IntendedUse.DEMONSTRATION, IntendedUse.RESEARCH])
def test_a_clinical_sink_refuses_what_such_a_model_could_not_answer_as_well(
    findings: Findings, use: IntendedUse
) -> None:
    pins = findings.prediction().pins
    assert pins is not None
    refusal = replace(findings.not_analysed(), pins=replace(pins, intended_use=use))
    deliveries = MemoryDeliveries()
    row = deliveries.owe(refusal, MADE)
    one(deliveries, ScriptedSink([None]), Clock(), clinical=True)()
    assert row.state == "dead_letter"
    assert f"refuses results for {use} use" in row.reasons[0]


def test_a_later_revision_is_told_what_the_earlier_left(findings: Findings) -> None:
    deliveries = MemoryDeliveries()
    first = findings.not_analysed()
    deliveries.owe(first, MADE)
    deliveries.owe(findings.later(first), MADE)
    one(deliveries, ScriptedSink([]), Clock())()
    due = deliveries.take_due("scripted", MADE, 60.0, lambda _: "")
    assert due is not None
    assert [row.object_id for row in due.predecessors] == ["object-f1"]


def test_pauses_double_up_to_the_longest_and_jitter_only_shortens() -> None:
    policy = RetryPolicy(100, 2.0, 60.0)
    assert [policy.pause(n, 0.0).total_seconds() for n in (1, 2, 3, 6, 99)] == [2, 4, 8, 60, 60]
    assert policy.pause(1, 0.999).total_seconds() == pytest.approx(1.0, abs=0.01)


def test_a_sink_that_hangs_stops_no_other(findings: Findings) -> None:
    hang = threading.Event()
    stuck, free = MemoryDeliveries(), MemoryDeliveries()
    stuck.owe(findings.prediction(), MADE)
    row = free.owe(findings.prediction(), MADE)
    workers = [
        SinkWorker("stuck", one(stuck, ScriptedSink([], before=lambda: _wait(hang)), Clock()), 0.01),
        SinkWorker("free", one(free, ScriptedSink([]), Clock()), 0.01),
    ]
    for worker in workers:
        worker.start()
    try:
        wait_until(lambda: row.state == "delivered", "the free sink")
        assert stuck.rows[0].state == "sending"
    finally:
        hang.set()
        for worker in workers:
            worker.ask_to_stop()
    assert all(worker.join(10) for worker in workers)
    assert stuck.rows[0].state == "delivered"


def _wait(event: threading.Event) -> None:
    event.wait(30)


def test_a_ledger_that_is_away_is_asked_again() -> None:
    asked = []

    def deliver() -> bool:
        asked.append(1)
        if len(asked) == 1:
            raise TemporaryError("the ledger is locked")
        return False

    worker = SinkWorker("any", deliver, 0.01)
    worker.start()
    wait_until(lambda: len(asked) > 1, "the second look")
    worker.ask_to_stop()
    assert worker.join(10)


def test_a_delivery_that_ends_its_process_in_every_try_becomes_a_dead_letter(findings: Findings) -> None:
    deliveries = MemoryDeliveries()
    row = deliveries.owe(findings.prediction(), MADE)
    row.tries = POLICY.max_tries  # taken over so often from a sender that died
    sink = ScriptedSink([AssertionError("must not be tried again")])

    one(deliveries, sink, Clock())()

    assert row.state == "dead_letter"
    assert "none of 3 tries" in row.reasons[-1]
    assert len(sink.script) == 1
