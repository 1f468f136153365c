"""Dead letters: seen, sent again, sent elsewhere; never over what took their place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.results.ledger.cases import Step
from services.results.ledger.deliveries import LedgerDeliveries
from services.results.ledger.ledger import Ledger
from services.results.ledger.policy import Policy, SinkPolicy
from shared.domain.case import DeliveryState, FindingKind, ReviewState
from shared.domain.errors import ConflictError, InvalidInputError, NotFoundError
from tests.contract.ledger.steps import predicted
from tests.contract.ledger.test_deliveries import NAME, refused, take

pytestmark = pytest.mark.contract

PACS, EHR = SinkPolicy("pacs", "dicom-cstore"), SinkPolicy("ehr", "fhir")
OTHER = SinkPolicy("pacs2", "dicom-stow")
MORE = Policy(sinks=(PACS, EHR, OTHER, SinkPolicy("files", "folder"), SinkPolicy("strict", "dicom-stow", True)))


def step(clock: Any, reason: str = "the PACS was repaired") -> Step:
    return Step("somebody", clock(), reason)


def dead(ledger: Ledger, clock: Any, sink: str = "pacs", text: str = "missing: HER2", **how: bool) -> tuple[str, str]:
    """Give the case a finding whose delivery ends as a dead letter; return (case, delivery)."""
    case_id = refused(ledger, clock, text)
    due = take(ledger, clock, sink)
    LedgerDeliveries(ledger.engine).give_up(due, "it does not know our AE title", clock(), **how)
    return case_id, due.delivery_id


def states(ledger: Ledger, clock: Any, case_id: str) -> dict[tuple[str, int], DeliveryState]:
    return {(d.sink, d.revision): d.state for d in ledger.queries.case(case_id, clock()).deliveries}


def test_a_dead_letter_is_listed_with_its_reason_and_can_be_sent_again(ledger: Ledger, clock: Any) -> None:
    _, delivery_id = dead(ledger, clock)
    (letter,) = ledger.letters.listed(DeliveryState.DEAD_LETTER)
    assert (letter.delivery_id, letter.reason) == (delivery_id, "it does not know our AE title")

    assert ledger.letters.resend("q", delivery_id[:8], step(clock)) == delivery_id
    assert ledger.letters.resend("q", delivery_id[:8], step(clock)) == delivery_id  # the same request again
    assert ledger.letters.listed(DeliveryState.DEAD_LETTER) == ()
    assert take(ledger, clock).delivery_id == delivery_id


def test_only_a_dead_letter_can_be_sent_again(ledger: Ledger, clock: Any) -> None:
    refused(ledger, clock)
    (letter,) = ledger.letters.listed(DeliveryState.DUE, "pacs")
    with pytest.raises(ConflictError, match="not a dead letter"):
        ledger.letters.resend("q", letter.delivery_id, step(clock))
    with pytest.raises(NotFoundError):
        ledger.letters.resend("q", "0" * 32, step(clock))


def test_what_a_later_result_replaced_is_neither_listed_nor_sent_anywhere(
    make_ledger: Callable[..., Ledger], clock: Any
) -> None:
    ledger = make_ledger(MORE)
    case_id, delivery_id = dead(ledger, clock)
    refused(ledger, clock, "second")

    assert ledger.letters.listed(DeliveryState.DEAD_LETTER) == ()
    with pytest.raises(ConflictError, match="later result"):
        ledger.letters.resend("q1", delivery_id, step(clock))
    with pytest.raises(ConflictError, match="later result"):
        ledger.letters.redirect("q2", delivery_id, "pacs2", step(clock))
    assert states(ledger, clock, case_id)["pacs", 1] is DeliveryState.DEAD_LETTER


def test_a_redirected_letter_keeps_its_history_and_is_owed_once(make_ledger: Callable[..., Ledger], clock: Any) -> None:
    ledger = make_ledger(MORE)
    case_id, delivery_id = dead(ledger, clock)
    deliver = LedgerDeliveries(ledger.engine)
    # The new sink has its own delivery of the same finding: it is there already, and nothing is doubled.
    with pytest.raises(ConflictError, match="due at pacs2 already"):
        ledger.letters.redirect("q1", delivery_id, "pacs2", step(clock))

    two = make_ledger(Policy(sinks=(PACS, EHR, OTHER)))
    deliver.give_up(take(ledger, clock, "pacs2"), "disk full", clock())
    made = two.letters.redirect("q2", delivery_id, "pacs2", step(clock, "the old PACS is gone"))
    assert states(two, clock, case_id)["pacs2", 1] is DeliveryState.DUE
    assert take(two, clock, "pacs2").delivery_id == made
    assert [letter.sink for letter in two.letters.listed(DeliveryState.DEAD_LETTER)] == []
    said = [(s.actor, s.reason) for s in two.queries.case(case_id, clock()).transitions if "redirected" in s.reason]
    assert said == [("somebody", "redirected to pacs2: the old PACS is gone")]
    assert two.people.retry("r", case_id, "somebody", clock()) == (False, 0)


def test_a_redirected_withdrawal_names_what_the_old_sink_had(make_ledger: Callable[..., Ledger], clock: Any) -> None:
    ledger = make_ledger(Policy(sinks=(PACS,)))
    deliver = LedgerDeliveries(ledger.engine)
    case_id = refused(ledger, clock)
    deliver.delivered(take(ledger, clock), "uid-1", "loc", clock())
    ledger.people.withdraw("w", case_id, step(clock, "wrong patient"))
    due = take(ledger, clock)
    deliver.give_up(due, "the PACS was replaced", clock(), nothing_left=True)

    renamed = make_ledger(Policy(sinks=(OTHER,)))
    renamed.letters.redirect("q", due.delivery_id, "pacs2", step(clock))
    again = take(renamed, clock, "pacs2")
    assert [(p.object_id, p.revision) for p in again.predecessors] == [("uid-1", 1)]


@pytest.mark.parametrize(
    ("sink", "error", "says"),
    [
        ("ehr", InvalidInputError, "cannot take"),
        ("nowhere", InvalidInputError, "no sink nowhere"),
        ("pacs", InvalidInputError, "already"),
        ("strict", ConflictError, "reviewed"),
    ],
)
def test_a_sink_that_cannot_or_must_not_take_it_is_refused(
    make_ledger: Callable[..., Ledger], clock: Any, sink: str, error: type[Exception], says: str
) -> None:
    _, delivery_id = dead(make_ledger(Policy(sinks=(PACS,))), clock)
    with pytest.raises(error, match=says):
        make_ledger(MORE).letters.redirect("q", delivery_id, sink, step(clock))


def test_a_sink_that_is_gone_is_told_once_and_its_deliveries_can_be_redirected(
    make_ledger: Callable[..., Ledger], clock: Any
) -> None:
    refused(make_ledger(), clock)
    ledger = make_ledger(Policy(sinks=(EHR, OTHER)))
    assert [ledger.overdue.tell_removed(clock()), ledger.overdue.tell_removed(clock())] == [1, 1]
    (notice,) = [n for n in ledger.queries.notices() if n.kind == "sink_removed"]
    assert "owed to sink pacs" in notice.text
    gone = next(row for row in ledger.sinks.listed() if row.name == "pacs")
    assert (gone.configured, gone.due) == (False, 1)

    (letter,) = ledger.letters.listed(DeliveryState.DUE, "pacs")
    ledger.letters.redirect("q", letter.delivery_id, "pacs2", step(clock))
    assert "pacs" not in {row.name for row in ledger.sinks.listed()}
    assert take(ledger, clock, "pacs2").finding.revision == 1


def test_a_withdrawal_is_owed_and_told_where_the_sink_is_gone(make_ledger: Callable[..., Ledger], clock: Any) -> None:
    ledger = make_ledger(Policy(sinks=(PACS,)))
    case_id = refused(ledger, clock)
    LedgerDeliveries(ledger.engine).delivered(take(ledger, clock), "uid-1", "loc", clock())

    without = make_ledger(Policy(sinks=(EHR,)))
    without.people.withdraw("w", case_id, step(clock, "wrong patient"))
    assert states(without, clock, case_id) == {("pacs", 1): DeliveryState.DELIVERED, ("pacs", 2): DeliveryState.DUE}
    assert [n.kind for n in without.queries.notices()] == ["sink_removed"]


def test_a_withdrawal_goes_where_the_original_may_be_and_not_where_nothing_left(ledger: Ledger, clock: Any) -> None:
    case_id = refused(ledger, clock)
    take(ledger, clock, "pacs")  # killed while sending
    deliver = LedgerDeliveries(ledger.engine)
    deliver.give_up(take(ledger, clock, "ehr"), "no such Patient", clock(), nothing_left=True)
    ledger.people.withdraw("w", case_id, step(clock, "wrong patient"))
    assert {key for key in states(ledger, clock, case_id) if key[1] == 2} == {("pacs", 2)}

    clock.forward(seconds=31)
    due = take(ledger, clock)
    assert (due.finding.revision, [p.object_id for p in due.predecessors]) == (2, ["uid-1"])


def test_a_withdrawal_of_what_turns_out_never_to_have_left_is_not_sent(ledger: Ledger, clock: Any) -> None:
    case_id = refused(ledger, clock)
    due, deliver = take(ledger, clock), LedgerDeliveries(ledger.engine)
    ledger.people.withdraw("w", case_id, step(clock, "wrong patient"))
    deliver.give_up(due, "our AE title is not known to it", clock(), nothing_left=True)

    assert deliver.take_due("pacs", clock(), 30, NAME) is None
    detail = ledger.queries.case(case_id, clock())
    assert [d.reason for d in detail.deliveries if d.revision == 2] == ["nothing of the case had left for this sink"]
    assert ledger.letters.listed(DeliveryState.DEAD_LETTER) == ()


def test_a_replaced_result_whose_sender_died_is_not_sent_again_and_is_named(ledger: Ledger, clock: Any) -> None:
    refused(ledger, clock, "first")
    take(ledger, clock)
    refused(ledger, clock, "second")
    clock.forward(seconds=31)

    due = take(ledger, clock)
    assert (due.finding.revision, [p.object_id for p in due.predecessors]) == (2, ["uid-1"])


def test_a_name_that_changes_between_two_tries_leaves_nothing_unnamed(ledger: Ledger, clock: Any) -> None:
    refused(ledger, clock)
    deliver = LedgerDeliveries(ledger.engine)
    due = take(ledger, clock)
    deliver.postpone(due, "stored, and not found", clock(), clock())
    again = deliver.take_due("pacs", clock(), 30, lambda finding: f"clinical-{finding.revision}")

    assert again is not None
    assert [(p.object_id, p.revision) for p in again.predecessors] == [("uid-1", 1)]


def test_after_a_redirect_a_withdrawal_still_reaches_the_first_sink(
    make_ledger: Callable[..., Ledger], clock: Any
) -> None:
    one, two = make_ledger(Policy(sinks=(PACS,), review_required=True)), make_ledger(Policy(sinks=(PACS, OTHER)))
    deliver = LedgerDeliveries(one.engine)
    case_id = predicted(one, clock)
    deliver.delivered(take(one, clock), "uid-1", "loc", clock())
    one.people.review("rv", case_id, ReviewState.ACCEPTED, step(clock, "fine"))
    second = take(one, clock)
    deliver.give_up(second, "no room", clock(), nothing_left=True, answered=True)
    two.letters.redirect("rd", second.delivery_id, "pacs2", step(clock))
    deliver.delivered(take(two, clock, "pacs2"), "uid-2", "loc", clock())

    two.people.withdraw("w", case_id, step(clock, "wrong"))
    withdrawals = [take(two, clock, sink) for sink in ("pacs", "pacs2")]
    assert [due.finding.kind for due in withdrawals] == [FindingKind.WITHDRAWN] * 2
    assert [[p.object_id for p in due.predecessors] for due in withdrawals] == [["uid-1"], ["uid-2"]]


def test_a_withdrawal_is_redirected_to_a_sink_that_holds_until_reviewed(
    make_ledger: Callable[..., Ledger], clock: Any
) -> None:
    one = make_ledger(Policy(sinks=(PACS,)))
    case_id = refused(one, clock)
    deliver = LedgerDeliveries(one.engine)
    deliver.delivered(take(one, clock), "uid-1", "loc", clock())
    two = make_ledger(Policy(sinks=(SinkPolicy("strict", "dicom-cstore", hold_until_reviewed=True),)))
    two.people.withdraw("w", case_id, step(clock, "wrong"))

    (letter,) = two.letters.listed(DeliveryState.DUE)
    two.letters.redirect("rd", letter.delivery_id, "strict", step(clock))
    assert [p.object_id for p in take(two, clock, "strict").predecessors] == ["uid-1"]


def test_what_a_gone_sink_is_owed_ends_where_another_sink_has_it_already(
    make_ledger: Callable[..., Ledger], clock: Any
) -> None:
    one = make_ledger(Policy(sinks=(PACS, OTHER)))
    case_id = refused(one, clock)
    deliver = LedgerDeliveries(one.engine)
    for sink in ("pacs", "pacs2"):
        deliver.delivered(take(one, clock, sink), "uid-1", "loc", clock())
    two = make_ledger(Policy(sinks=(OTHER,)))
    two.people.withdraw("w", case_id, step(clock, "wrong"))
    letter = next(row for row in two.letters.listed(DeliveryState.DUE) if row.sink == "pacs")

    two.letters.redirect("rd", letter.delivery_id, "pacs2", step(clock))
    assert states(two, clock, case_id)["pacs", 2] is DeliveryState.DEAD_LETTER
    assert two.letters.listed(DeliveryState.DEAD_LETTER) == ()
