"""A sink that is down costs no delivery its tries, is asked by one at a time, and a person hears of it once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.results.ledger.breaker import BreakerRule, Outage
from services.results.ledger.deliveries import LedgerDeliveries
from services.results.ledger.findings import DueDelivery
from services.results.ledger.ledger import Ledger
from shared.domain.case import DeliveryState
from shared.domain.deliveries import SinkState, SinkSummary
from shared.testing.cases import a_refusal, a_study
from tests.contract.ledger.test_deliveries import NAME

pytestmark = pytest.mark.contract

RULE = BreakerRule(3, timedelta(seconds=10), timedelta(seconds=40))
MOST_TRIES = 2


def owe(ledger: Ledger, clock: Any, number: int) -> str:
    """Open one more case with a finding; return its id."""
    study = a_study(study_instance_uid=f"1.2.826.0.1.3680043.8.498.3.{number}")
    ledger.intake.submit(f"study-{number}", study, ("ln_pcr",), clock())
    (due,) = ledger.collecting.due(clock())
    ledger.collecting.refuse(due, a_refusal(), clock())
    return due.case_id


def take(ledger: Ledger, clock: Any) -> DueDelivery | None:
    return LedgerDeliveries(ledger.engine).take_due("pacs", clock(), 30, NAME)


def fail(ledger: Ledger, clock: Any, **fields: Any) -> DeliveryState:
    due = take(ledger, clock)
    assert due is not None
    outage = Outage("it cannot be reached", clock(), RULE, MOST_TRIES, **fields)
    return LedgerDeliveries(ledger.engine).unavailable(due, outage, clock())


def pacs(ledger: Ledger) -> SinkSummary:
    return next(row for row in ledger.sinks.listed() if row.name == "pacs")


def opened(ledger: Ledger, clock: Any) -> None:
    """Owe two deliveries and let the sink fail until it opens."""
    owe(ledger, clock, 1)
    owe(ledger, clock, 2)
    for _ in range(RULE.failures):
        fail(ledger, clock)


def test_days_of_outage_make_no_dead_letter_and_cost_no_try(ledger: Ledger, clock: Any) -> None:
    case_id = owe(ledger, clock, 1)
    for _ in range(50):
        while take_or_none(ledger, clock):
            pass
        clock.forward(hours=1)

    (row,) = [d for d in ledger.queries.case(case_id, clock()).deliveries if d.sink == "pacs"]
    assert (row.state, row.tries) == (DeliveryState.DUE, 0)
    assert pacs(ledger).failures >= 50


def take_or_none(ledger: Ledger, clock: Any) -> bool:
    due = take(ledger, clock)
    if due is None:
        return False
    LedgerDeliveries(ledger.engine).unavailable(due, Outage("down", clock(), RULE, MOST_TRIES), clock())
    return True


def test_it_opens_after_failures_in_a_row_and_lets_one_through_after_a_growing_pause(
    ledger: Ledger, clock: Any
) -> None:
    opened(ledger, clock)
    assert pacs(ledger).state is SinkState.OPEN
    assert take(ledger, clock) is None

    pauses = []
    for _ in range(4):
        probe_time = pacs(ledger).probe_time
        assert probe_time is not None
        pauses.append((probe_time - clock()).total_seconds())
        clock.forward(seconds=pauses[-1])
        probe = take(ledger, clock)
        assert probe is not None
        assert probe.probe
        assert take(ledger, clock) is None  # one at a time
        assert pacs(ledger).state is SinkState.HALF_OPEN
        LedgerDeliveries(ledger.engine).unavailable(probe, Outage("down", clock(), RULE, MOST_TRIES), clock())
    assert pauses == [10, 20, 40, 40]


@pytest.mark.parametrize("answer", ["delivered", "busy with this one", "refused"])
def test_any_answer_of_the_sink_closes_it(ledger: Ledger, clock: Any, answer: str) -> None:
    opened(ledger, clock)
    clock.forward(seconds=10)
    probe = take(ledger, clock)
    assert probe is not None
    deliveries = LedgerDeliveries(ledger.engine)
    if answer == "delivered":
        deliveries.delivered(probe, "uid", "loc", clock())
    elif answer == "refused":
        deliveries.give_up(probe, "the SOP class is not supported", clock(), nothing_left=True, answered=True)
    else:
        deliveries.postpone(probe, "processing failure", clock() + timedelta(hours=1), clock())

    assert pacs(ledger).state is SinkState.CLOSED
    assert take(ledger, clock) is not None


def test_a_probe_that_never_reached_the_sink_leaves_it_open_and_the_next_one_tries_at_once(
    ledger: Ledger, clock: Any
) -> None:
    opened(ledger, clock)
    clock.forward(seconds=10)
    probe = take(ledger, clock)
    assert probe is not None
    LedgerDeliveries(ledger.engine).give_up(probe, "the stored source image cannot be read", clock())

    assert pacs(ledger).state is SinkState.OPEN
    following = take(ledger, clock)
    assert following is not None
    assert following.probe


def test_a_probe_whose_worker_dies_is_followed_by_another(ledger: Ledger, clock: Any) -> None:
    opened(ledger, clock)
    clock.forward(seconds=10)
    assert take(ledger, clock) is not None
    clock.forward(seconds=31)
    assert take(ledger, clock) is not None


def test_what_was_under_way_when_it_opened_makes_no_pause_longer(ledger: Ledger, clock: Any) -> None:
    owe(ledger, clock, 1)
    owe(ledger, clock, 2)
    early = take(ledger, clock)
    assert early is not None
    for _ in range(RULE.failures):
        fail(ledger, clock)
    probe_time = pacs(ledger).probe_time
    LedgerDeliveries(ledger.engine).unavailable(early, Outage("down", clock(), RULE, MOST_TRIES), clock())

    assert pacs(ledger).probe_time == probe_time


def test_a_sink_that_says_when_to_come_again_is_left_alone_until_then(ledger: Ledger, clock: Any) -> None:
    owe(ledger, clock, 1)
    fail(ledger, clock, wait=timedelta(seconds=25))
    clock.forward(seconds=24)
    assert take(ledger, clock) is None
    clock.forward(seconds=1)
    assert take(ledger, clock) is not None


def test_a_delivery_that_fails_while_others_arrive_loses_tries_and_ends_at_a_person(ledger: Ledger, clock: Any) -> None:
    poison = owe(ledger, clock, 1)
    deliveries = LedgerDeliveries(ledger.engine)
    states = []
    for number in range(2, 6):
        case_id = owe(ledger, clock, number)
        for _ in range(2):
            due = take(ledger, clock)
            if due is None:
                continue
            if due.finding.case_id == poison:
                later = Outage("no answer", clock() + timedelta(seconds=1), RULE, MOST_TRIES)
                states.append(deliveries.unavailable(due, later, clock()))
            else:
                assert due.finding.case_id == case_id
                deliveries.delivered(due, "uid", "loc", clock())
        clock.forward(seconds=2)

    assert states[-1] is DeliveryState.DEAD_LETTER
    assert [notice.kind for notice in ledger.queries.notices()] == ["dead_letter"]
    assert pacs(ledger).state is SinkState.CLOSED


def test_a_restart_forgets_nothing(make_ledger: Any, clock: Any) -> None:
    opened(make_ledger(), clock)
    again = make_ledger()

    assert pacs(again).state is SinkState.OPEN
    assert "cannot be reached" in again.sinks.trouble("pacs")
    assert again.sinks.trouble("ehr") == ""


def test_a_person_hears_of_it_once_then_daily_then_that_it_is_back(ledger: Ledger, clock: Any) -> None:
    opened(ledger, clock)
    ledger.overdue.tell(clock.forward(minutes=14))
    assert ledger.queries.notices() == ()
    for _ in range(5):
        ledger.overdue.tell(clock.forward(minutes=2))
    (notice,) = ledger.queries.notices()
    assert notice.kind == "sink_down"
    assert "2 deliveries wait" in notice.text

    ledger.overdue.tell(clock.forward(hours=25))
    kinds = [notice.kind for notice in ledger.queries.notices()]
    assert kinds.count("sink_down") == 2
    # The EHR does not fail, and nobody delivers to it: that is told by the deadline, one by one.
    assert {n.text.split(":")[0] for n in ledger.queries.notices() if n.kind == "overdue_delivery"} == {"sink ehr"}

    due = take(ledger, clock)
    assert due is not None
    LedgerDeliveries(ledger.engine).delivered(due, "uid", "loc", clock.forward(seconds=1))
    assert ledger.queries.notices()[0].kind == "sink_back"


def test_other_sinks_are_not_touched(ledger: Ledger, clock: Any) -> None:
    opened(ledger, clock)
    assert LedgerDeliveries(ledger.engine).take_due("ehr", clock(), 30, NAME) is not None
