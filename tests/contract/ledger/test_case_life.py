"""A case from its first input to its finding, on both databases."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from services.results.ledger.cases import Step
from services.results.ledger.ledger import Ledger
from services.results.ledger.policy import Policy
from shared.domain.case import Currency, DeliveryState, InferenceState, Pins, ReviewState
from shared.domain.errors import ConflictError, ForbiddenError, NotFoundError, StaleAttemptError, UnavailableError
from shared.domain.identity import PatientIdentity
from shared.testing.cases import PATIENT, START, a_fact, a_prediction, a_refusal, a_study, an_instance, some_pins

pytestmark = pytest.mark.contract


def submit(ledger: Ledger, clock: Any, request_id: str = "r1", **changes: Any) -> str:
    return ledger.intake.submit(request_id, a_study(**changes), ("ln_pcr",), clock())[0]


def pin(ledger: Ledger, clock: Any, pins: Pins | None = None) -> None:
    (due,) = ledger.collecting.due(clock())
    ledger.collecting.pin(due, pins or some_pins(), clock())


def predicted(ledger: Ledger, clock: Any, probability: float = 0.4321) -> str:
    """Take a fresh study to its prediction; return the case id."""
    case_id = submit(ledger, clock)
    pin(ledger, clock)
    answer(ledger, clock, case_id, 1, probability)
    return case_id


def answer(ledger: Ledger, clock: Any, case_id: str, revision: int, probability: float = 0.4321) -> str:
    claim = ledger.attempts.claim(f"claim-{case_id}-{revision}", case_id, revision, "worker", clock())
    return ledger.attempts.answer(
        f"report-{case_id}-{revision}", case_id, claim.attempt, a_prediction(probability), clock()
    )


def test_a_complete_study_becomes_a_prediction_owed_to_every_sink(ledger: Ledger, clock: Any) -> None:
    detail = ledger.queries.case(predicted(ledger, clock), clock())

    assert detail.case.state is InferenceState.PREDICTED
    assert [f.currency for f in detail.findings] == [Currency.CURRENT]
    assert {(d.sink, d.state) for d in detail.deliveries} == {("pacs", DeliveryState.DUE), ("ehr", DeliveryState.DUE)}
    assert detail.completeness == "association_released: association released, 2 instances"


def test_every_transition_has_time_actor_and_reason(ledger: Ledger, clock: Any) -> None:
    steps = ledger.queries.case(predicted(ledger, clock), clock()).transitions

    inference = [(s.from_state, s.to_state) for s in steps if s.machine == "inference"]
    assert inference == [("", "collecting"), ("collecting", "queued"), ("queued", "running"), ("running", "predicted")]
    assert all(step.time == START and step.actor and step.reason for step in steps)


def test_the_same_study_twice_is_one_case(ledger: Ledger, clock: Any) -> None:
    first, again = predicted(ledger, clock), submit(ledger, clock, "r2")

    assert again == first
    assert ledger.collecting.due(clock()) == ()
    assert len(ledger.queries.cases(clock())) == 1


def test_the_same_request_id_gets_the_same_answer_and_writes_once(ledger: Ledger, clock: Any) -> None:
    first = ledger.intake.notice("n1", "quarantine", "text", "", clock())

    assert ledger.intake.notice("n1", "quarantine", "text", "", clock()) == first
    assert len(ledger.queries.notices()) == 1


def test_a_request_id_used_for_another_method_is_refused(ledger: Ledger, clock: Any) -> None:
    ledger.intake.notice("n1", "quarantine", "text", "", clock())

    with pytest.raises(ConflictError, match="already used for ReportNotice"):
        submit(ledger, clock, "n1")


def test_only_one_worker_gets_a_case(ledger: Ledger, clock: Any) -> None:
    case_id = submit(ledger, clock)
    pin(ledger, clock)
    ledger.attempts.claim("a", case_id, 1, "one", clock())

    with pytest.raises(StaleAttemptError):
        ledger.attempts.claim("b", case_id, 1, "two", clock())


def test_a_repeated_claim_of_the_same_request_gets_the_same_attempt(ledger: Ledger, clock: Any) -> None:
    case_id = submit(ledger, clock)
    pin(ledger, clock)
    first = ledger.attempts.claim("a", case_id, 1, "one", clock())

    assert ledger.attempts.claim("a", case_id, 1, "one", clock()) == first


def test_a_repeated_report_makes_one_finding(ledger: Ledger, clock: Any) -> None:
    case_id = submit(ledger, clock)
    pin(ledger, clock)
    claim = ledger.attempts.claim("a", case_id, 1, "one", clock())
    first = ledger.attempts.answer("x", case_id, claim.attempt, a_prediction(), clock())

    assert ledger.attempts.answer("x", case_id, claim.attempt, a_prediction(), clock()) == first
    assert len(ledger.queries.case(case_id, clock()).findings) == 1


def test_a_passed_lease_gives_the_case_to_another_and_refuses_the_late_answer(ledger: Ledger, clock: Any) -> None:
    case_id = submit(ledger, clock)
    pin(ledger, clock)
    slow = ledger.attempts.claim("a", case_id, 1, "slow", clock())
    clock.forward(seconds=31)
    assert ledger.attempts.expire(clock()) == 1
    quick = ledger.attempts.claim("b", case_id, 1, "quick", clock())

    with pytest.raises(StaleAttemptError):
        ledger.attempts.answer("late", case_id, slow.attempt, a_prediction(0.9), clock())
    ledger.attempts.answer("good", case_id, quick.attempt, a_prediction(0.3), clock())
    finding = ledger.queries.case(case_id, clock()).findings[0]
    assert finding.prediction is not None
    assert finding.prediction.probability == 0.3


def test_a_renewed_lease_holds(ledger: Ledger, clock: Any) -> None:
    case_id = submit(ledger, clock)
    pin(ledger, clock)
    claim = ledger.attempts.claim("a", case_id, 1, "worker", clock())
    clock.forward(seconds=20)
    assert ledger.attempts.renew(case_id, claim.attempt, clock()) == 30.0
    clock.forward(seconds=20)

    assert ledger.attempts.expire(clock()) == 0


def test_three_attempts_without_an_answer_fail_the_case_and_tell_a_person(ledger: Ledger, clock: Any) -> None:
    case_id = submit(ledger, clock)
    pin(ledger, clock)
    for number in range(3):
        ledger.attempts.claim(f"c{number}", case_id, 1, "worker", clock())
        clock.forward(seconds=31)
        ledger.attempts.expire(clock())

    case = ledger.queries.case(case_id, clock()).case
    assert (case.state, case.attempts) == (InferenceState.FAILED, 3)
    assert [notice.kind for notice in ledger.queries.notices()] == ["case_failed"]


def test_a_person_can_try_a_failed_case_again(ledger: Ledger, clock: Any) -> None:
    case_id = submit(ledger, clock)
    pin(ledger, clock)
    for number in range(3):
        claim = ledger.attempts.claim(f"c{number}", case_id, 1, "worker", clock())
        ledger.attempts.answer(f"f{number}", case_id, claim.attempt, "the graph broke", clock())

    assert ledger.people.retry("p", case_id, "somebody", clock()) == (True, 0)
    assert len(ledger.orders.due(clock())) == 1
    answer(ledger, clock, case_id, 1)
    assert ledger.queries.case(case_id, clock()).case.state is InferenceState.PREDICTED


def test_changed_facts_supersede_the_finding(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    clock.forward(hours=1)
    assert ledger.intake.announce("f1", PATIENT, clock()) == 1
    pin(ledger, clock, some_pins(facts=(a_fact(some_pins().facts[0].name, "negative", version="2"),)))
    answer(ledger, clock, case_id, 2, 0.7)

    findings = ledger.queries.case(case_id, clock()).findings
    assert [(f.revision, f.currency) for f in findings] == [(1, Currency.SUPERSEDED), (2, Currency.CURRENT)]


def test_announced_facts_that_change_nothing_do_nothing(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    ledger.intake.announce("f1", PATIENT, clock.forward(hours=1))
    pin(ledger, clock, some_pins(as_of=clock()))

    detail = ledger.queries.case(case_id, clock())
    assert (detail.case.state, detail.case.revision, len(detail.findings)) == (InferenceState.PREDICTED, 1, 1)


def test_the_same_answer_again_makes_nothing_new(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    ledger.intake.announce("f1", PATIENT, clock.forward(hours=1))
    (due,) = ledger.collecting.due(clock())
    ledger.collecting.wait(due, ("HER2",), clock())
    ledger.intake.announce("f2", PATIENT, clock.forward(hours=1))
    pin(ledger, clock)
    answer(ledger, clock, case_id, 2)

    detail = ledger.queries.case(case_id, clock())
    assert (detail.case.state, len(detail.findings)) == (InferenceState.PREDICTED, 1)


def test_input_that_changes_while_a_worker_is_at_it_makes_its_answer_stale(ledger: Ledger, clock: Any) -> None:
    case_id = submit(ledger, clock)
    pin(ledger, clock)
    claim = ledger.attempts.claim("a", case_id, 1, "worker", clock())
    ledger.intake.announce("f1", PATIENT, clock.forward(seconds=1))
    pin(ledger, clock, some_pins(notes=("changed",)))

    with pytest.raises(StaleAttemptError):
        ledger.attempts.answer("late", case_id, claim.attempt, a_prediction(), clock())
    with pytest.raises(StaleAttemptError):
        ledger.attempts.claim("b", case_id, 1, "worker", clock())
    assert ledger.queries.case(case_id, clock()).case.state is InferenceState.QUEUED


def test_a_waiting_case_is_looked_at_again_at_its_deadline(ledger: Ledger, clock: Any) -> None:
    case_id = submit(ledger, clock)
    (due,) = ledger.collecting.due(clock())
    ledger.collecting.wait(due, ("HER2", "clinical T"), clock())
    assert ledger.collecting.due(clock()) == ()
    assert ledger.queries.case(case_id, clock()).case.reason == "waiting for: HER2, clinical T"

    (late,) = ledger.collecting.due(clock.forward(hours=6))
    ledger.collecting.refuse(late, a_refusal(), clock())
    detail = ledger.queries.case(case_id, clock())
    assert detail.case.state is InferenceState.NOT_ANALYSED
    assert len(detail.deliveries) == 2


def test_a_refusal_is_superseded_when_the_missing_input_arrives(ledger: Ledger, clock: Any) -> None:
    case_id = submit(ledger, clock)
    (due,) = ledger.collecting.due(clock())
    ledger.collecting.refuse(due, a_refusal(), clock())
    ledger.intake.announce("f", PATIENT, clock.forward(seconds=1))
    pin(ledger, clock)
    answer(ledger, clock, case_id, 1)

    findings = ledger.queries.case(case_id, clock()).findings
    assert [(f.kind, f.currency) for f in findings] == [("not_analysed", "superseded"), ("prediction", "current")]


def test_an_identity_conflict_owes_nothing_to_any_sink_and_tells_a_person(ledger: Ledger, clock: Any) -> None:
    case_id = submit(ledger, clock)
    (due,) = ledger.collecting.due(clock())
    ledger.collecting.conflict(due, "images and record disagree about birth date", clock())

    detail = ledger.queries.case(case_id, clock())
    assert detail.case.state is InferenceState.FAILED
    assert detail.case.reason.startswith("identity_conflict")
    assert (detail.findings, detail.deliveries) == ((), ())
    assert [notice.kind for notice in ledger.queries.notices()] == ["identity_conflict"]


def test_an_identity_conflict_after_a_result_takes_the_result_back(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    ledger.intake.announce("f", PATIENT, clock.forward(seconds=1))
    (due,) = ledger.collecting.due(clock())
    ledger.collecting.conflict(due, "images and record disagree about sex", clock())

    findings = ledger.queries.case(case_id, clock()).findings
    assert [(f.kind, f.currency) for f in findings] == [("prediction", "withdrawn"), ("withdrawn", "current")]


def test_a_late_image_asks_again(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    more = (*a_study().instances, an_instance(3))
    assert submit(ledger, clock, "r2", instances=more) == case_id

    assert [due.case_id for due in ledger.collecting.due(clock())] == [case_id]


def test_a_corrected_identity_takes_back_what_was_said_about_the_other_patient(ledger: Ledger, clock: Any) -> None:
    wrong = predicted(ledger, clock)
    corrected = replace(a_study(), identity=PatientIdentity("hospital", "MRN-TEST-2"))
    (right,) = ledger.intake.submit("r2", corrected, ("ln_pcr",), clock())

    assert right != wrong
    before = ledger.queries.case(wrong, clock())
    assert [f.kind for f in before.findings] == ["prediction", "withdrawn"]
    assert before.case.reason.startswith("withdrawn")
    assert ledger.queries.case(right, clock()).case.state is InferenceState.COLLECTING


def test_an_identity_corrected_back_is_asked_again(ledger: Ledger, clock: Any) -> None:
    first = predicted(ledger, clock)
    other = replace(a_study(), identity=PatientIdentity("hospital", "MRN-TEST-2"))
    ledger.intake.submit("r2", other, ("ln_pcr",), clock())
    assert submit(ledger, clock, "r3") == first

    assert first in [due.case_id for due in ledger.collecting.due(clock())]


@pytest.mark.parametrize("conclusion", ["pin", "wait", "refuse", "conflict"])
def test_a_case_withdrawn_while_it_was_looked_at_stays_withdrawn(ledger: Ledger, clock: Any, conclusion: str) -> None:
    case_id = submit(ledger, clock)
    (due,) = ledger.collecting.due(clock())
    ledger.people.withdraw("w", case_id, Step("somebody", clock(), "wrong patient"))
    {
        "pin": lambda: ledger.collecting.pin(due, some_pins(), clock()),
        "wait": lambda: ledger.collecting.wait(due, ("HER2",), clock()),
        "refuse": lambda: ledger.collecting.refuse(due, a_refusal(), clock()),
        "conflict": lambda: ledger.collecting.conflict(due, "reason", clock()),
    }[conclusion]()

    detail = ledger.queries.case(case_id, clock())
    assert detail.case.reason.startswith("withdrawn")
    assert (detail.findings, detail.deliveries) == ((), ())
    assert ledger.orders.due(clock()) == ()


def test_what_was_concluded_before_newer_input_is_void(ledger: Ledger, clock: Any) -> None:
    submit(ledger, clock)
    (due,) = ledger.collecting.due(clock())
    ledger.intake.announce("f", PATIENT, clock.forward(seconds=1))
    ledger.collecting.refuse(due, a_refusal(), clock())

    assert ledger.queries.cases(clock())[0].state is InferenceState.COLLECTING
    assert len(ledger.collecting.due(clock())) == 1


def test_a_case_whose_identity_was_corrected_cannot_be_retried(ledger: Ledger, clock: Any) -> None:
    wrong = predicted(ledger, clock)
    other = replace(a_study(), identity=PatientIdentity("hospital", "MRN-TEST-2"))
    ledger.intake.submit("r2", other, ("ln_pcr",), clock())

    with pytest.raises(ConflictError, match="another identity"):
        ledger.people.retry("p", wrong, "somebody", clock())


def test_a_sink_that_holds_makes_every_finding_wait_for_a_person(
    make_ledger: Callable[..., Ledger], clock: Any
) -> None:
    ledger = make_ledger(replace(_held(), review_required=False))
    case_id = submit(ledger, clock)
    (due,) = ledger.collecting.due(clock())
    ledger.collecting.refuse(due, a_refusal(), clock())

    detail = ledger.queries.case(case_id, clock())
    assert detail.case.review is ReviewState.WAITING
    assert [d.state for d in detail.deliveries] == [DeliveryState.HELD]
    assert detail.case.deadline_time is not None


def test_a_withdrawn_case_stays_withdrawn_when_facts_are_announced(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    ledger.people.withdraw("w", case_id, Step("somebody", clock(), "wrong patient on the scanner"))

    assert ledger.intake.announce("f", PATIENT, clock.forward(hours=1)) == 0
    assert ledger.collecting.due(clock()) == ()
    findings = ledger.queries.case(case_id, clock()).findings
    assert [(f.kind, f.currency) for f in findings] == [("prediction", "withdrawn"), ("withdrawn", "current")]


def test_an_unclaimed_order_is_due_again_and_a_lost_one_at_once(ledger: Ledger, clock: Any) -> None:
    submit(ledger, clock)
    pin(ledger, clock)
    (order,) = ledger.orders.due(clock())
    ledger.orders.sent(order, clock())
    assert ledger.orders.due(clock()) == ()

    later = clock.forward(seconds=5)
    assert ledger.orders.lost(later - timedelta(seconds=2), later) == 1
    assert ledger.orders.due(clock()) == (order,)
    ledger.orders.sent(order, clock())
    assert ledger.orders.due(clock.forward(seconds=61)) == (order,)


def test_the_same_request_at_the_same_moment_is_answered_once(ledger: Ledger, clock: Any) -> None:
    """On PostgreSQL two writers can meet; the one that loses is told to ask again, and then gets the same answer."""
    answers: list[str] = []

    def ask() -> None:
        while True:
            with contextlib.suppress(UnavailableError):
                answers.append(submit(ledger, clock, "same"))
                return

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 6
    assert len(set(answers)) == 1
    assert len(ledger.queries.cases(clock())) == 1


def test_a_deadline_that_passes_is_told_once(ledger: Ledger, clock: Any) -> None:
    submit(ledger, clock)
    pin(ledger, clock)
    clock.forward(hours=25)

    assert ledger.overdue.tell(clock()) == 1
    assert ledger.overdue.tell(clock()) == 0
    assert ledger.queries.cases(clock())[0].overdue
    assert [notice.kind for notice in ledger.queries.notices()] == ["overdue_case"]


def test_a_finding_can_wait_for_review_and_go_out_as_accepted(make_ledger: Callable[..., Ledger], clock: Any) -> None:
    ledger = make_ledger(_held())
    case_id = predicted(ledger, clock)
    assert [d.state for d in ledger.queries.case(case_id, clock()).deliveries] == [DeliveryState.HELD]

    ledger.people.review("v", case_id, ReviewState.ACCEPTED, Step("reader", clock(), "agree"))
    detail = ledger.queries.case(case_id, clock())
    assert detail.case.review is ReviewState.ACCEPTED
    assert [d.state for d in detail.deliveries] == [DeliveryState.DEAD_LETTER, DeliveryState.DUE]


def test_a_rejected_finding_never_leaves(make_ledger: Callable[..., Ledger], clock: Any) -> None:
    ledger = make_ledger(_held())
    case_id = predicted(ledger, clock)
    ledger.people.review("v", case_id, ReviewState.REJECTED, Step("reader", clock(), "wrong lesion"))

    detail = ledger.queries.case(case_id, clock())
    assert [f.kind for f in detail.findings] == ["prediction", "withdrawn"]
    assert [d.state for d in detail.deliveries] == [DeliveryState.DEAD_LETTER]


def test_an_unknown_case_is_not_found(ledger: Ledger, clock: Any) -> None:
    with pytest.raises(NotFoundError):
        ledger.queries.case("f" * 32, clock())


def test_what_was_written_survives_reopening(engine: sa.Engine, make_ledger: Callable[..., Ledger], clock: Any) -> None:
    case_id = predicted(make_ledger(), clock)
    engine.dispose()

    assert make_ledger().queries.case(case_id, clock()).case.state is InferenceState.PREDICTED


def _held() -> Policy:
    from services.results.ledger.policy import SinkPolicy

    return Policy(sinks=(SinkPolicy("pacs", "dicom-cstore", hold_until_reviewed=True),), review_required=True)


def test_only_who_claimed_an_attempt_renews_and_answers_it_and_is_named(ledger: Ledger, clock: Any) -> None:
    case_id = submit(ledger, clock)
    pin(ledger, clock)
    claim = ledger.attempts.claim("c", case_id, 1, "worker-a", clock())
    for token in ("", "0" * 64):
        with pytest.raises(ForbiddenError):
            ledger.attempts.renew(case_id, claim.attempt, clock(), token)
        with pytest.raises(ForbiddenError):
            ledger.attempts.answer("b", case_id, claim.attempt, a_prediction(), clock(), token)

    assert ledger.attempts.claim("c", case_id, 1, "worker-a", clock()).token == claim.token
    ledger.attempts.renew(case_id, claim.attempt, clock(), claim.token)
    assert ledger.attempts.answer("a", case_id, claim.attempt, a_prediction(), clock(), claim.token)
    assert [row.actor for row in ledger.trail.rows() if row.act == "request.ReportPrediction"] == ["worker-a"]
