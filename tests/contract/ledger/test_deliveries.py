"""The delivery machine on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from services.results.ledger.cases import Step
from services.results.ledger.deliveries import LedgerDeliveries
from services.results.ledger.findings import DueDelivery, Finding
from services.results.ledger.ledger import Ledger
from shared.domain.case import DeliveryState, FindingKind
from shared.domain.errors import ConflictError
from shared.testing.cases import PATIENT, a_refusal, a_study

pytestmark = pytest.mark.contract


def NAME(finding: Finding) -> str:  # noqa: N802 - the name a sink gives, before anything is sent
    return f"uid-{finding.revision}"


def refused(ledger: Ledger, clock: Any, text: str = "missing: HER2") -> str:
    """Give the one case a (new) finding; return the case id."""
    known = ledger.queries.cases(clock())
    if known:
        ledger.intake.announce(f"f-{text}", PATIENT, clock.forward(seconds=1))
    else:
        ledger.intake.submit("r1", a_study(), ("ln_pcr",), clock())
    (due,) = ledger.collecting.due(clock())
    ledger.collecting.refuse(due, a_refusal(text), clock())
    return due.case_id


def take(ledger: Ledger, clock: Any, sink: str = "pacs") -> DueDelivery:
    due = LedgerDeliveries(ledger.engine).take_due(sink, clock(), 30, NAME)
    assert due is not None
    return due


def test_a_delivery_goes_from_due_to_delivered(ledger: Ledger, clock: Any) -> None:
    case_id = refused(ledger, clock)
    due = take(ledger, clock)
    LedgerDeliveries(ledger.engine).delivered(due, "1.2.3", "http://pacs/1.2.3", clock())

    states = {d.sink: (d.state, d.location) for d in ledger.queries.case(case_id, clock()).deliveries}
    assert states["pacs"] == (DeliveryState.DELIVERED, "http://pacs/1.2.3")
    assert states["ehr"][0] is DeliveryState.DUE


def test_what_is_being_sent_is_not_handed_out_again_until_its_lease_passes(ledger: Ledger, clock: Any) -> None:
    refused(ledger, clock)
    first = take(ledger, clock)
    deliveries = LedgerDeliveries(ledger.engine)
    assert deliveries.take_due("pacs", clock(), 30, NAME) is None

    second = deliveries.take_due("pacs", clock.forward(seconds=31), 30, NAME)
    assert second is not None
    with pytest.raises(ConflictError):
        deliveries.delivered(first, "1", "x", clock())
    deliveries.delivered(second, "1", "x", clock())


def test_a_postponed_delivery_waits(ledger: Ledger, clock: Any) -> None:
    case_id = refused(ledger, clock)
    deliveries = LedgerDeliveries(ledger.engine)
    deliveries.postpone(take(ledger, clock), "connection refused", clock() + timedelta(seconds=4), clock())

    assert deliveries.take_due("pacs", clock(), 30, NAME) is None
    assert "connection refused" in [d.reason for d in ledger.queries.case(case_id, clock()).deliveries]
    clock.forward(seconds=4)
    assert take(ledger, clock).tries == 2


def test_a_replacement_never_overtakes_and_names_what_it_replaces(ledger: Ledger, clock: Any) -> None:
    refused(ledger, clock, "first")
    deliveries = LedgerDeliveries(ledger.engine)
    first = take(ledger, clock)
    refused(ledger, clock, "second")
    assert (first.finding.revision, first.predecessors) == (1, ())
    assert deliveries.take_due("pacs", clock(), 30, NAME) is None
    deliveries.delivered(first, "uid-1", "loc-1", clock())

    second = take(ledger, clock)
    assert second.finding.revision == 2
    assert [(p.object_id, p.kind) for p in second.predecessors] == [("uid-1", FindingKind.NOT_ANALYSED)]


def test_what_is_replaced_before_it_was_sent_never_leaves(ledger: Ledger, clock: Any) -> None:
    case_id = refused(ledger, clock, "first")
    refused(ledger, clock, "second")

    assert take(ledger, clock).finding.revision == 2
    first = [d for d in ledger.queries.case(case_id, clock()).deliveries if d.revision == 1]
    assert {(d.state, d.reason) for d in first} == {(DeliveryState.DEAD_LETTER, "replaced before it was sent")}


def test_a_withdrawal_goes_only_where_something_may_have_arrived(ledger: Ledger, clock: Any) -> None:
    case_id = refused(ledger, clock)
    LedgerDeliveries(ledger.engine).delivered(take(ledger, clock, "pacs"), "uid", "loc", clock())
    ledger.people.withdraw("w", case_id, Step("somebody", clock(), "wrong patient"))

    withdrawals = [d for d in ledger.queries.case(case_id, clock()).deliveries if d.revision == 2]
    assert [d.sink for d in withdrawals] == ["pacs"]


def test_a_try_that_fails_after_its_finding_was_replaced_is_not_repeated(ledger: Ledger, clock: Any) -> None:
    refused(ledger, clock, "first")
    first = take(ledger, clock)
    refused(ledger, clock, "second")
    LedgerDeliveries(ledger.engine).postpone(first, "connection refused", clock(), clock())

    assert take(ledger, clock).finding.revision == 2


def test_what_may_have_arrived_is_named_by_its_replacement(ledger: Ledger, clock: Any) -> None:
    refused(ledger, clock, "first")
    first = take(ledger, clock)
    refused(ledger, clock, "second")
    LedgerDeliveries(ledger.engine).postpone(first, "stored, but not read back", clock(), clock())

    assert [p.object_id for p in take(ledger, clock).predecessors] == ["uid-1"]


def test_what_was_replaced_is_not_named_twice(ledger: Ledger, clock: Any) -> None:
    deliveries = LedgerDeliveries(ledger.engine)
    for text in ("first", "second", "third"):
        refused(ledger, clock, text)
        due = take(ledger, clock)
        deliveries.delivered(due, f"uid-{text}", "loc", clock())

    assert [p.object_id for p in due.predecessors] == ["uid-second"]


def test_a_dead_letter_tells_a_person_and_can_be_resent(ledger: Ledger, clock: Any) -> None:
    case_id = refused(ledger, clock)
    LedgerDeliveries(ledger.engine).give_up(take(ledger, clock), "the PACS does not know this SOP class", clock())
    assert [notice.kind for notice in ledger.queries.notices()] == ["dead_letter"]

    assert ledger.people.retry("p", case_id, "somebody", clock()) == (False, 1)
    assert take(ledger, clock).tries == 1


def test_a_dead_letter_of_a_superseded_finding_is_not_resent(ledger: Ledger, clock: Any) -> None:
    case_id = refused(ledger, clock, "first")
    LedgerDeliveries(ledger.engine).give_up(take(ledger, clock), "no", clock())
    refused(ledger, clock, "second")

    assert ledger.people.retry("p", case_id, "somebody", clock()) == (False, 0)


def test_two_senders_never_take_the_same_delivery(ledger: Ledger, clock: Any) -> None:
    refused(ledger, clock)
    taken: list[DueDelivery | None] = []
    threads = [
        threading.Thread(
            target=lambda: taken.append(LedgerDeliveries(ledger.engine).take_due("pacs", clock(), 30, NAME))
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len([due for due in taken if due is not None]) == 1
