"""Recall of a bundle on both databases: refused at once, withdrawn in batches, whatever dies in between."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from services.results.ledger import recalls, retraction
from services.results.ledger.breaker import BreakerRule, Outage
from services.results.ledger.cases import Step
from services.results.ledger.deliveries import LedgerDeliveries
from services.results.ledger.ledger import Ledger
from services.results.ledger.policy import Policy, SinkPolicy
from shared.domain.audit import faults
from shared.domain.case import Currency, DeliveryState, FindingKind, InferenceState, ReviewState
from shared.domain.errors import ConflictError, StaleAttemptError
from shared.domain.prediction import NotAnalysedReason
from shared.testing.cases import BUNDLE, a_prediction, a_refusal
from tests.contract.ledger.steps import deliver_all, name, pinned, predicted, studied

pytestmark = pytest.mark.contract


def recall(ledger: Ledger, clock: Any, request_id: str = "recall", version: str = "", digest: str = "") -> str:
    step = Step("dr-test", clock(), "a coefficient was printed wrongly")
    return ledger.recalls.recall(request_id, BUNDLE.bundle_id, version, digest, step).recall_id


def work(ledger: Ledger, clock: Any, limit: int = 20) -> int:
    return ledger.recalls.work(clock(), limit)


def test_every_result_of_the_bundle_is_withdrawn_at_every_sink_it_reached(ledger: Ledger, clock: Any) -> None:
    cases = [predicted(ledger, clock, number) for number in range(1, 4)]
    deliver_all(ledger, clock)
    recall(ledger, clock)
    while work(ledger, clock):
        pass

    assert deliver_all(ledger, clock) == ["pacs withdrawn"] * 3 + ["ehr withdrawn"] * 3
    work(ledger, clock)
    (state,) = ledger.recalls.all()
    assert (state.case_count, state.withdrawn_count, state.delivery_count, state.confirmed_count) == (3, 3, 6, 6)
    assert state.finished_time == clock()
    for case_id in cases:
        detail = ledger.queries.case(case_id, clock())
        assert [f.currency for f in detail.findings] == [Currency.WITHDRAWN, Currency.CURRENT]
        assert "was recalled: a coefficient was printed wrongly" in detail.case.reason


def test_a_recall_is_not_finished_before_the_last_sink_has_confirmed(ledger: Ledger, clock: Any) -> None:
    predicted(ledger, clock)
    deliver_all(ledger, clock)
    recall(ledger, clock)
    work(ledger, clock)
    deliver_all(ledger, clock, ("pacs",))
    work(ledger, clock)

    (state,) = ledger.recalls.all()
    assert (state.confirmed_count, state.delivery_count, state.finished_time) == (1, 2, None)
    ledger.recalls.work(clock() + timedelta(hours=25))
    assert "overdue_recall" in {notice.kind for notice in ledger.queries.notices()}


def test_batches_are_bounded_and_a_killed_one_is_taken_again(
    ledger: Ledger, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 6):
        predicted(ledger, clock, number)
    recall(ledger, clock)
    assert work(ledger, clock, 2) == 2
    real, calls = retraction.retract, []

    def dies(*arguments: Any) -> str:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(recalls, "retract", dies)
    with pytest.raises(KeyboardInterrupt):
        work(ledger, clock, 2)
    monkeypatch.undo()

    assert ledger.recalls.all()[0].withdrawn_count == 2
    assert [work(ledger, clock, 2), work(ledger, clock, 2), work(ledger, clock, 2)] == [2, 1, 0]
    assert ledger.recalls.all()[0].withdrawn_count == 5


def test_a_recall_repeated_is_one_recall(ledger: Ledger, clock: Any) -> None:
    predicted(ledger, clock)
    first = recall(ledger, clock)
    work(ledger, clock)

    assert recall(ledger, clock, "again") == first
    assert len(ledger.recalls.all()) == 1
    assert work(ledger, clock) == 0


def test_a_queued_case_is_claimed_no_more_and_goes_back_to_be_asked_without_the_bundle(
    ledger: Ledger, clock: Any
) -> None:
    case_id = studied(ledger, clock)
    pinned(ledger, clock)
    recall(ledger, clock)
    with pytest.raises(StaleAttemptError):
        ledger.attempts.claim("c", case_id, 1, "worker", clock())

    assert work(ledger, clock) == 1
    assert ledger.queries.case(case_id, clock()).case.state is InferenceState.COLLECTING
    assert [due.case_id for due in ledger.collecting.due(clock())] == [case_id]


def test_an_answer_that_was_being_worked_out_during_the_recall_is_not_taken(ledger: Ledger, clock: Any) -> None:
    case_id = studied(ledger, clock)
    pinned(ledger, clock)
    claim = ledger.attempts.claim("c", case_id, 1, "worker", clock())
    recall(ledger, clock, version=BUNDLE.version)

    assert ledger.attempts.answer("a", case_id, claim.attempt, a_prediction(), clock()) == ""
    detail = ledger.queries.case(case_id, clock())
    assert (detail.case.state, detail.findings) == (InferenceState.COLLECTING, ())


def test_another_version_and_another_build_are_not_recalled(ledger: Ledger, clock: Any) -> None:
    predicted(ledger, clock)
    recall(ledger, clock, "one", version="9.9.9")
    recall(ledger, clock, "two", digest="f" * 64)

    assert work(ledger, clock) == 0
    assert ledger.recalls.why_not(BUNDLE) == ""
    recall(ledger, clock, "three", version=BUNDLE.version)
    assert "a coefficient" in ledger.recalls.why_not(BUNDLE)
    assert work(ledger, clock) == 1


def test_the_withdrawal_never_overtakes_the_result_it_takes_back(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    deliveries = LedgerDeliveries(ledger.engine)
    sending = deliveries.take_due("pacs", clock(), 30, name)
    assert sending is not None
    recall(ledger, clock)
    work(ledger, clock)

    assert deliveries.take_due("pacs", clock(), 30, name) is None
    deliveries.delivered(sending, "uid-1", "at pacs", clock())
    taken = deliveries.take_due("pacs", clock(), 30, name)
    assert taken is not None
    assert taken.finding.kind is FindingKind.WITHDRAWN
    assert [before.object_id for before in taken.predecessors] == ["uid-1"]
    states = {(d.sink, d.revision): d.state for d in ledger.queries.case(case_id, clock()).deliveries}
    assert states[("ehr", 1)] is DeliveryState.DEAD_LETTER  # never sent, so nothing is owed to it
    assert ("ehr", 2) not in states


KILLED = """
import os, signal, sys
from services.results.ledger import recalls
from services.results.ledger.database import open_engine
from shared.testing.cases import START
from tests.contract.ledger.conftest import KEYS, POLICY
real, done = recalls.retract, []
def dies(*arguments):
    done.append(real(*arguments))
    if len(done) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return done[-1]
recalls.retract = dies
ledger = recalls.Recalls(open_engine(sys.argv[1]), KEYS, POLICY)
while ledger.work(START, 2):
    pass
"""


def test_kill_9_in_mid_recall_loses_and_doubles_nothing(ledger: Ledger, engine: sa.Engine, clock: Any) -> None:
    cases = [predicted(ledger, clock, number) for number in range(1, 6)]
    deliver_all(ledger, clock, ("pacs",))
    recall(ledger, clock)
    url = engine.url.render_as_string(hide_password=False)
    ended = subprocess.run([sys.executable, "-c", KILLED, url], check=False, timeout=60)

    assert ended.returncode == -signal.SIGKILL
    assert ledger.recalls.all()[0].withdrawn_count == 2
    while work(ledger, clock, 2):
        pass
    assert deliver_all(ledger, clock, ("pacs",)) == ["pacs withdrawn"] * 5
    for case_id in cases:
        kinds = [finding.kind for finding in ledger.queries.case(case_id, clock()).findings]
        assert kinds == [FindingKind.PREDICTION, FindingKind.WITHDRAWN]
    assert faults(ledger.trail.rows()) == ()


def test_nothing_of_a_recalled_bundle_leaves_once_the_recall_is_recorded(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    deliveries = LedgerDeliveries(ledger.engine)
    taken = deliveries.take_due("pacs", clock(), 30, name)
    assert taken is not None
    recall(ledger, clock)
    deliveries.postpone(taken, "busy", clock(), clock())

    assert deliver_all(ledger, clock) == []
    assert [letter.state for letter in ledger.letters.listed(None)] == [DeliveryState.DEAD_LETTER] * 2
    while work(ledger, clock):
        pass
    assert deliver_all(ledger, clock) == ["pacs withdrawn"]  # the broken try may have left something there
    assert ledger.queries.case(case_id, clock()).findings[0].currency is Currency.WITHDRAWN


def test_a_dead_letter_of_a_recalled_bundle_is_sent_again_to_nobody(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    deliveries = LedgerDeliveries(ledger.engine)
    taken = deliveries.take_due("pacs", clock(), 30, name)
    assert taken is not None
    deliveries.give_up(taken, "refused", clock(), answered=True)
    recall(ledger, clock)
    step = Step("somebody", clock(), "again")

    with pytest.raises(ConflictError, match="recalled"):
        ledger.letters.resend("one", taken.delivery_id, step)
    with pytest.raises(ConflictError, match="recalled"):
        ledger.letters.redirect("two", taken.delivery_id, "ehr", step)
    assert ledger.people.retry("three", case_id, "somebody", clock()) == (False, 0)


def test_a_result_of_a_recalled_bundle_can_be_rejected_and_not_accepted(
    make_ledger: Callable[..., Ledger], clock: Any
) -> None:
    ledger = make_ledger(Policy(sinks=(SinkPolicy("pacs", "dicom-cstore", hold_until_reviewed=True),)))
    case_id = predicted(ledger, clock)
    recall(ledger, clock)
    step = Step("dr-test", clock(), "looked at")

    with pytest.raises(ConflictError, match="recalled"):
        ledger.people.review("one", case_id, ReviewState.ACCEPTED, step)
    assert ledger.people.review("two", case_id, ReviewState.REJECTED, step)


def refused(ledger: Ledger, clock: Any) -> str:
    """The model was asked and refused, for example a value outside the range it has seen."""
    case_id = studied(ledger, clock)
    pinned(ledger, clock)
    claim = ledger.attempts.claim("c", case_id, 1, "worker", clock())
    outside = a_refusal("hsCRP is 75 mg/L, outside the range", reason=NotAnalysedReason.OUT_OF_DISTRIBUTION)
    assert ledger.attempts.answer("a", case_id, claim.attempt, outside, clock())
    return case_id


@pytest.mark.parametrize(
    "named",
    [{}, {"version": BUNDLE.version}, {"digest": BUNDLE.digest}, {"version": BUNDLE.version, "digest": BUNDLE.digest}],
    ids=["every version", "this version", "this build", "this version and build"],
)
def test_what_a_recalled_bundle_refused_is_taken_back_too(ledger: Ledger, clock: Any, named: dict[str, str]) -> None:
    case_id = refused(ledger, clock)
    assert deliver_all(ledger, clock, ("pacs",)) == ["pacs not_analysed"]
    recall(ledger, clock, **named)

    assert deliver_all(ledger, clock) == []  # nothing of it leaves from the commit on
    assert work(ledger, clock) == 1
    assert deliver_all(ledger, clock) == ["pacs withdrawn"]
    work(ledger, clock)
    (state,) = ledger.recalls.all()
    assert (state.case_count, state.withdrawn_count, state.finished_time) == (1, 1, clock())
    assert "was recalled" in ledger.queries.case(case_id, clock()).case.reason


def test_what_another_version_or_build_refused_stays(ledger: Ledger, clock: Any) -> None:
    refused(ledger, clock)
    recall(ledger, clock, "one", version="9.9.9")
    recall(ledger, clock, "two", digest="f" * 64)

    assert work(ledger, clock) == 0
    assert deliver_all(ledger, clock) == ["pacs not_analysed", "ehr not_analysed"]


def test_a_refusal_before_any_model_was_asked_stays(ledger: Ledger, clock: Any) -> None:
    studied(ledger, clock)
    for due in ledger.collecting.due(clock()):
        ledger.collecting.refuse(due, a_refusal(), clock())
    recall(ledger, clock)

    assert work(ledger, clock) == 0
    assert deliver_all(ledger, clock) == ["pacs not_analysed", "ehr not_analysed"]


def test_a_refusal_that_was_being_worked_out_during_the_recall_is_not_taken(ledger: Ledger, clock: Any) -> None:
    case_id = studied(ledger, clock)
    pinned(ledger, clock)
    claim = ledger.attempts.claim("c", case_id, 1, "worker", clock())
    recall(ledger, clock, version=BUNDLE.version)

    assert ledger.attempts.answer("a", case_id, claim.attempt, a_refusal(), clock()) == ""
    detail = ledger.queries.case(case_id, clock())
    assert (detail.case.state, detail.findings) == (InferenceState.COLLECTING, ())


def test_a_recall_waits_for_a_sink_that_may_have_a_result_no_try_was_counted_for(ledger: Ledger, clock: Any) -> None:
    predicted(ledger, clock)
    deliveries = LedgerDeliveries(ledger.engine)
    taken = deliveries.take_due("pacs", clock(), 30, name)
    assert taken is not None
    deliveries.unavailable(taken, Outage("no answer", clock() + timedelta(minutes=1), BreakerRule(), 8), clock())
    recall(ledger, clock)
    for _ in range(3):
        work(ledger, clock)
    (state,) = ledger.recalls.all()
    assert (state.confirmed_count, state.delivery_count, state.finished_time) == (0, 1, None)

    clock.forward(minutes=10)
    assert deliver_all(ledger, clock) == ["pacs withdrawn"]
    work(ledger, clock)
    assert ledger.recalls.all()[0].finished_time == clock()


def test_a_recall_does_not_wait_for_a_sink_where_nothing_was_left(ledger: Ledger, clock: Any) -> None:
    predicted(ledger, clock)
    deliveries = LedgerDeliveries(ledger.engine)
    taken = deliveries.take_due("pacs", clock(), 30, name)
    assert taken is not None
    deliveries.give_up(taken, "refused: 400", clock(), nothing_left=True, answered=True)
    deliver_all(ledger, clock, ("ehr",))
    recall(ledger, clock)
    work(ledger, clock)
    assert deliver_all(ledger, clock) == ["ehr withdrawn"]

    work(ledger, clock)
    (state,) = ledger.recalls.all()
    assert (state.confirmed_count, state.delivery_count, state.finished_time) == (1, 1, clock())


def test_a_withdrawal_of_what_never_left_ends_a_recall(ledger: Ledger, clock: Any) -> None:
    predicted(ledger, clock)
    deliveries = LedgerDeliveries(ledger.engine)
    taken = deliveries.take_due("pacs", clock(), 30, name)
    assert taken is not None
    recall(ledger, clock)
    work(ledger, clock)
    deliveries.give_up(taken, "refused: 400", clock(), nothing_left=True, answered=True)

    assert deliver_all(ledger, clock) == []
    work(ledger, clock)
    assert ledger.recalls.all()[0].finished_time == clock()
