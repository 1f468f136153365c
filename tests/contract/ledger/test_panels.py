"""A panel as a case: opened, asked again, superseded, taken back, merged, erased, recalled; on both databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.results.ledger.cases import Step
from services.results.ledger.ledger import Ledger
from services.results.ledger.policy import Policy, SinkPolicy
from services.results.ledger.retention import Retention
from shared.domain.case import CaseDetail, Currency, FindingKind, InferenceState, ReviewState
from shared.domain.facts import FactName
from shared.domain.governance import PatientChange, PatientChangeKind
from shared.domain.identity import PatientIdentity
from shared.domain.prediction import NotAnalysed, NotAnalysedReason
from shared.testing.cases import PATIENT, a_fact
from shared.testing.panels import (
    DRAWN,
    NAME,
    PANEL_BUNDLE,
    PANEL_UID,
    a_panel,
    a_panel_prediction,
    panel_pins,
    taken_back,
)
from tests.contract.ledger.steps import deliver_all

pytestmark = pytest.mark.contract

SURVIVOR = PatientIdentity("hospital", "MRN-TEST-2")
CRP = a_fact(FactName.HSCRP, "12", unit="mg/L", effective_date=DRAWN)
PACS = SinkPolicy("pacs", "dicom-cstore", images_only=True)
EHR = SinkPolicy("ehr", "fhir")
POLICY = Policy(sinks=(PACS, EHR))


@pytest.fixture
def ledger(make_ledger: Callable[..., Ledger]) -> Ledger:
    return make_ledger(POLICY)


def submitted(ledger: Ledger, clock: Any, request_id: str = "panel-1", **changes: Any) -> str:
    clock.forward(seconds=1)
    return ledger.intake.submit(request_id, a_panel(**changes), (NAME,), clock())[0]


def answered(ledger: Ledger, clock: Any, case_id: str, value: str = "12", probability: float = 0.21) -> None:
    """Pin what is due with one value and answer it."""
    clock.forward(seconds=1)
    fact = replace(CRP, value=value, version=value)
    for due in ledger.collecting.due(clock()):
        assert due.study.identity is not None
        ledger.collecting.pin(due, panel_pins(fact, identity=due.study.identity), clock())
    revision = ledger.queries.case(case_id, clock()).case.revision
    claim = ledger.attempts.claim(f"claim-{case_id}-{revision}", case_id, revision, "worker", clock())
    answer = a_panel_prediction(probability)
    ledger.attempts.answer(f"answer-{case_id}-{revision}", case_id, claim.attempt, answer, clock())


def predicted(ledger: Ledger, clock: Any, **changes: Any) -> str:
    case_id = submitted(ledger, clock, **changes)
    answered(ledger, clock, case_id)
    return case_id


def shown(ledger: Ledger, clock: Any, case_id: str) -> CaseDetail:
    return ledger.queries.case(case_id, clock())


def gone(ledger: Ledger, clock: Any, request_id: str = "gone", **changes: Any) -> tuple[str, ...]:
    clock.forward(seconds=1)
    return ledger.intake.submit(request_id, taken_back(**changes), (NAME,), clock())


def test_a_panel_collects_is_pinned_without_images_and_shows_its_draw(ledger: Ledger, clock: Any) -> None:
    case_id = submitted(ledger, clock)
    assert shown(ledger, clock, case_id).case.state is InferenceState.COLLECTING
    answered(ledger, clock, case_id)
    detail = shown(ledger, clock, case_id)

    assert detail.case.state is InferenceState.PREDICTED
    assert detail.panel is not None
    assert (detail.study_date, detail.panel.analytes[0]) == (DRAWN, "hscrp")
    assert detail.transitions[0].actor == "lab_consumer"
    assert detail.transitions[0].reason.startswith("panel opened: first value")


def test_its_answer_is_owed_to_the_ehr_and_not_to_a_sink_of_images(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)

    assert [row.sink for row in shown(ledger, clock, case_id).deliveries] == ["ehr"]
    assert deliver_all(ledger, clock) == ["ehr prediction"]


def test_a_sink_of_images_that_holds_for_review_does_not_hold_a_panel(
    make_ledger: Callable[..., Ledger], clock: Any
) -> None:
    ledger = make_ledger(Policy(sinks=(replace(PACS, hold_until_reviewed=True), EHR)))

    assert shown(ledger, clock, predicted(ledger, clock)).case.review is ReviewState.NOT_REQUIRED


def test_a_refusal_is_owed_to_the_ehr_with_its_coded_reason(ledger: Ledger, clock: Any) -> None:
    case_id = submitted(ledger, clock)
    refusal = NotAnalysed(NAME, NotAnalysedReason.ALREADY_METASTATIC, "lung metastasis is already on record")
    for due in ledger.collecting.due(clock()):
        ledger.collecting.refuse(due, refusal, clock())

    assert deliver_all(ledger, clock) == ["ehr not_analysed"]
    assert "already_metastatic" in shown(ledger, clock, case_id).case.reason


def known_since(ledger: Ledger, clock: Any, value: str) -> None:
    """A lung metastasis becomes known after the draw, whose value is ``value`` by now."""
    refusal = NotAnalysed(NAME, NotAnalysedReason.ALREADY_METASTATIC, "lung metastasis is known since a later day")
    clock.forward(seconds=1)
    ledger.intake.announce(f"metastasis-{value}", PATIENT, clock())
    for due in ledger.collecting.due(clock()):
        ledger.collecting.overtake(due, refusal, panel_pins(replace(CRP, value=value)).inputs, clock())


def test_a_metastasis_known_after_the_draw_leaves_a_risk_that_was_given_as_it_is(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    deliver_all(ledger, clock)
    known_since(ledger, clock, "12")

    assert deliver_all(ledger, clock) == []
    assert shown(ledger, clock, case_id).case.state is InferenceState.PREDICTED
    assert ledger.collecting.due(clock()) == ()


def test_after_it_a_corrected_value_ends_the_risk_that_rests_on_the_wrong_one(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    deliver_all(ledger, clock)
    known_since(ledger, clock, "30")

    assert deliver_all(ledger, clock) == ["ehr not_analysed"]
    assert "already_metastatic" in shown(ledger, clock, case_id).case.reason


def test_after_it_no_first_risk_is_given(ledger: Ledger, clock: Any) -> None:
    submitted(ledger, clock)
    known_since(ledger, clock, "12")

    assert deliver_all(ledger, clock) == ["ehr not_analysed"]


def test_the_same_request_gets_the_same_answer_and_the_same_panel_makes_nothing_new(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)

    assert submitted(ledger, clock) == case_id
    assert submitted(ledger, clock, "another-request") == case_id
    assert ledger.collecting.due(clock()) == ()


def test_a_draw_that_grew_is_looked_at_again_in_the_same_case(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    grown = replace(a_panel().panel, last_date=DRAWN + timedelta(days=3))  # type: ignore[type-var]

    assert submitted(ledger, clock, "panel-2", panel=grown) == case_id
    assert [due.case_id for due in ledger.collecting.due(clock())] == [case_id]


def test_announced_facts_wake_it_and_a_corrected_value_supersedes(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    deliver_all(ledger, clock)
    clock.forward(seconds=1)
    assert ledger.intake.announce("facts-1", PATIENT, clock()) == 1
    answered(ledger, clock, case_id, value="30", probability=0.6)

    assert deliver_all(ledger, clock) == ["ehr prediction"]
    findings = shown(ledger, clock, case_id).findings
    assert [row.currency for row in findings] == [Currency.SUPERSEDED, Currency.CURRENT]


def test_the_same_value_announced_again_answers_nothing_anew(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    clock.forward(seconds=1)
    ledger.intake.announce("facts-1", PATIENT, clock())
    for due in ledger.collecting.due(clock()):
        ledger.collecting.pin(due, panel_pins(replace(CRP, version="12")), clock())

    assert shown(ledger, clock, case_id).case.state is InferenceState.PREDICTED


def test_a_draw_that_was_taken_back_withdraws_what_was_said_where_it_was_said(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    deliver_all(ledger, clock)

    assert gone(ledger, clock) == (case_id,)
    assert deliver_all(ledger, clock) == ["ehr withdrawn"]
    detail = shown(ledger, clock, case_id)
    assert "took back every value" in detail.case.reason
    assert detail.findings[-1].kind is FindingKind.WITHDRAWN
    assert ledger.collecting.due(clock()) == ()


def test_a_draw_taken_back_before_anything_was_said_sends_nothing(ledger: Ledger, clock: Any) -> None:
    case_id = submitted(ledger, clock)
    gone(ledger, clock)

    assert deliver_all(ledger, clock) == []
    assert shown(ledger, clock, case_id).case.state is InferenceState.FAILED


def test_a_draw_nobody_opened_cannot_be_taken_back_and_opens_nothing(ledger: Ledger, clock: Any) -> None:
    assert gone(ledger, clock) == ()
    assert ledger.queries.cases(clock()) == ()


def test_a_draw_that_came_back_is_asked_again_in_the_same_case(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    deliver_all(ledger, clock)
    gone(ledger, clock)
    assert submitted(ledger, clock, "panel-2") == case_id
    answered(ledger, clock, case_id)

    assert deliver_all(ledger, clock)[-1] == "ehr prediction"
    assert shown(ledger, clock, case_id).findings[-1].currency is Currency.CURRENT


def merged(ledger: Ledger, clock: Any, kind: PatientChangeKind = PatientChangeKind.MERGE) -> tuple[int, int]:
    clock.forward(seconds=1)
    return ledger.patients.change(f"{kind}-1", PatientChange(kind, PATIENT, SURVIVOR, "MSG-1"), clock())


def test_a_merge_withdraws_and_asks_under_the_survivor_and_what_comes_later_finds_that_case(
    ledger: Ledger, clock: Any
) -> None:
    old = predicted(ledger, clock)
    deliver_all(ledger, clock)

    assert merged(ledger, clock) == (1, 1)
    (due,) = ledger.collecting.due(clock())
    assert due.study.identity == SURVIVOR
    later = submitted(ledger, clock, "panel-2", panel=replace(a_panel().panel, last_date=DRAWN + timedelta(days=1)))  # type: ignore[type-var]
    assert later == due.case_id != old
    answered(ledger, clock, later)
    assert deliver_all(ledger, clock) == ["ehr withdrawn", "ehr prediction"]


def test_a_taken_back_panel_of_a_merged_record_reaches_the_survivors_case(ledger: Ledger, clock: Any) -> None:
    predicted(ledger, clock)
    merged(ledger, clock)
    (due,) = ledger.collecting.due(clock())
    answered(ledger, clock, due.case_id)
    deliver_all(ledger, clock)

    assert gone(ledger, clock) == (due.case_id,)
    assert deliver_all(ledger, clock) == ["ehr withdrawn"]


def test_an_unlink_gives_the_panel_back(ledger: Ledger, clock: Any) -> None:
    first = predicted(ledger, clock)
    merged(ledger, clock)
    merged(ledger, clock, PatientChangeKind.UNLINK)

    assert [(due.case_id, due.study.identity) for due in ledger.collecting.due(clock())] == [(first, PATIENT)]


def test_a_corrected_identifier_takes_the_panel_back_and_its_new_owner_has_her_own(ledger: Ledger, clock: Any) -> None:
    old = predicted(ledger, clock)
    deliver_all(ledger, clock)
    assert merged(ledger, clock, PatientChangeKind.CORRECTION) == (1, 0)

    assert gone(ledger, clock) == (old,)
    new = submitted(ledger, clock, "panel-2", identity=SURVIVOR, study_instance_uid="2.25.7")
    assert [due.case_id for due in ledger.collecting.due(clock())] == [new]
    assert deliver_all(ledger, clock) == ["ehr withdrawn"]


def test_a_recalled_bundle_withdraws_panels_too(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    deliver_all(ledger, clock)
    clock.forward(seconds=1)
    ledger.recalls.recall("recall", PANEL_BUNDLE.bundle_id, "", "", Step("dr-test", clock(), "wrong coefficient"))
    ledger.recalls.work(clock())

    assert deliver_all(ledger, clock) == ["ehr withdrawn"]
    assert "recalled" in shown(ledger, clock, case_id).case.reason
    ledger.recalls.work(clock())
    assert ledger.recalls.all()[0].finished_time is not None


def test_an_erased_patient_leaves_no_uid_no_date_and_no_value_of_her_panels(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    erased = ledger.erasures.erase("erase", PATIENT, Step("dr-test", clock(), "she asked"))
    detail = shown(ledger, clock, case_id)

    assert (erased.case_count, erased.blobs_left) == (1, 0)
    assert (detail.panel, detail.study_date, detail.case.study_instance_uid) == (None, None, "")
    assert ledger.queries.cases(clock(), study_instance_uid=PANEL_UID) == ()


def test_a_superseded_panel_is_emptied_after_its_time(make_ledger: Callable[..., Ledger], clock: Any) -> None:
    policy = replace(POLICY, keep_findings=timedelta(days=30))
    ledger = make_ledger(policy)
    case_id = predicted(ledger, clock)
    deliver_all(ledger, clock)
    clock.forward(seconds=1)
    ledger.intake.announce("facts-1", PATIENT, clock())
    answered(ledger, clock, case_id, value="30", probability=0.6)
    deliver_all(ledger, clock)
    clock.forward(days=31)

    assert Retention(ledger.engine, policy).purge(clock()) == 1
    assert [row.prediction is None for row in shown(ledger, clock, case_id).findings] == [True, False]


def test_a_panel_that_waits_too_long_is_told_like_any_case(ledger: Ledger, clock: Any) -> None:
    submitted(ledger, clock)
    clock.forward(hours=7)

    assert ledger.overdue.tell(clock()) == 1
