"""Merge, unlink and correction of patients on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from services.results.ledger.ledger import Ledger
from shared.domain.case import FindingKind, InferenceState
from shared.domain.errors import ConflictError, InvalidInputError
from shared.domain.governance import PatientChange, PatientChangeKind
from shared.domain.identity import PatientIdentity
from shared.testing.cases import PATIENT
from tests.contract.ledger.steps import deliver_all, predicted, studied

pytestmark = pytest.mark.contract

SURVIVOR = PatientIdentity("hospital", "MRN-TEST-2")
THIRD = PatientIdentity("hospital", "MRN-TEST-3")
MERGE, UNLINK, CORRECTION = PatientChangeKind.MERGE, PatientChangeKind.UNLINK, PatientChangeKind.CORRECTION


def change(
    ledger: Ledger, clock: Any, kind: PatientChangeKind, one: PatientIdentity = PATIENT,
    other: PatientIdentity | None = SURVIVOR, message: str = "MSG-1",
) -> tuple[int, int]:  # fmt: skip
    clock.forward(seconds=1)
    return ledger.patients.change(f"{kind}-{message}", PatientChange(kind, one, other, message), clock())


def due(ledger: Ledger, clock: Any) -> dict[str, str]:
    """Return the cases that are asked now, with the identifier each is asked under."""
    return {one.case_id: one.study.identity.identifier for one in ledger.collecting.due(clock()) if one.study.identity}


def test_a_merge_withdraws_everywhere_and_asks_again_under_the_surviving_identity(ledger: Ledger, clock: Any) -> None:
    old = predicted(ledger, clock)
    deliver_all(ledger, clock)

    assert change(ledger, clock, MERGE) == (1, 1)
    assert deliver_all(ledger, clock) == ["pacs withdrawn", "ehr withdrawn"]
    (new,) = due(ledger, clock).items()
    assert new[0] != old
    assert new[1] == SURVIVOR.identifier
    assert "MSG-1" in ledger.queries.case(old, clock()).case.reason


def test_the_audit_and_a_notice_say_by_which_message(ledger: Ledger, clock: Any) -> None:
    predicted(ledger, clock)
    change(ledger, clock, MERGE)

    assert [row.subject for row in ledger.trail.rows(identity=SURVIVOR) if row.act == "patient.merge"] == ["MSG-1"]
    (notice,) = (notice for notice in ledger.queries.notices() if notice.kind == "patient_change")
    assert "MSG-1" in notice.text
    assert "MRN" not in notice.text


def test_images_that_come_later_under_the_merged_identity_are_asked_under_the_surviving_one(
    ledger: Ledger, clock: Any
) -> None:
    change(ledger, clock, MERGE)
    change(ledger, clock, MERGE, SURVIVOR, THIRD, "MSG-2")

    assert due(ledger, clock) == {}
    case_id = studied(ledger, clock)
    assert due(ledger, clock) == {case_id: THIRD.identifier}


def test_an_unlink_gives_the_case_back_and_withdraws_what_was_said_under_the_other(ledger: Ledger, clock: Any) -> None:
    first = studied(ledger, clock)
    change(ledger, clock, MERGE)
    (merged,) = due(ledger, clock)
    assert change(ledger, clock, UNLINK, message="MSG-2")[1] == 1

    assert due(ledger, clock) == {first: PATIENT.identifier}
    with pytest.raises(ConflictError, match="another identity"):
        ledger.people.retry("r", merged, "dr-test", clock())


def test_the_survivors_own_cases_are_looked_at_again_after_a_merge_and_an_unlink(ledger: Ledger, clock: Any) -> None:
    own = predicted(ledger, clock, identity=SURVIVOR)
    for kind in (MERGE, UNLINK):
        change(ledger, clock, kind, message=str(kind))
        assert own in due(ledger, clock)
    assert ledger.queries.case(own, clock()).case.state is InferenceState.PREDICTED


def test_a_merge_the_wrong_way_round_can_be_turned(ledger: Ledger, clock: Any) -> None:
    studied(ledger, clock)
    change(ledger, clock, MERGE)
    change(ledger, clock, MERGE, SURVIVOR, PATIENT, "MSG-2")

    assert set(due(ledger, clock).values()) == {PATIENT.identifier}
    studied(ledger, clock, 2, identity=SURVIVOR)
    assert set(due(ledger, clock).values()) == {PATIENT.identifier}


def test_a_corrected_identifier_withdraws_because_whose_the_images_are_is_open(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    deliver_all(ledger, clock)

    assert change(ledger, clock, CORRECTION) == (1, 0)
    assert deliver_all(ledger, clock) == ["pacs withdrawn", "ehr withdrawn"]
    assert due(ledger, clock) == {}
    assert ledger.queries.case(case_id, clock()).findings[-1].kind is FindingKind.WITHDRAWN


def test_the_same_report_twice_changes_nothing(ledger: Ledger, clock: Any) -> None:
    predicted(ledger, clock)
    event = PatientChange(MERGE, PATIENT, SURVIVOR, "MSG-1")
    first = ledger.patients.change("same", event, clock())

    assert ledger.patients.change("same", event, clock()) == first
    assert len(ledger.queries.cases(clock())) == 2


@pytest.mark.parametrize("other", [None, PATIENT])
def test_a_merge_without_a_survivor_is_refused(ledger: Ledger, clock: Any, other: PatientIdentity | None) -> None:
    with pytest.raises(InvalidInputError, match="survives"):
        change(ledger, clock, MERGE, other=other)
