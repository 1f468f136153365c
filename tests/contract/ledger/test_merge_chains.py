"""Chains and circles of merges with cases at every stage, on both databases."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import sqlalchemy as sa

from services.results.ledger import identities, intake
from services.results.ledger.database import reading
from services.results.ledger.identities import surviving
from services.results.ledger.ledger import Ledger
from shared.domain.errors import ConflictError, StaleAttemptError
from shared.domain.governance import PatientChange, PatientChangeKind
from shared.domain.identity import PatientIdentity
from shared.domain.study import Study
from shared.testing.cases import PATIENT, a_prediction, a_study
from tests.contract.ledger.steps import pinned, predicted, studied
from tests.contract.ledger.test_patients import CORRECTION, MERGE, SURVIVOR, THIRD, UNLINK, change, due

pytestmark = pytest.mark.contract

EVERYBODY = (PATIENT, SURVIVOR, THIRD)


def asked(ledger: Ledger, clock: Any) -> list[str]:
    """Return the identifiers under which studies are asked now, in the order of the studies."""
    rows = sorted(ledger.collecting.due(clock()), key=lambda one: one.study.study_instance_uid)
    return [one.study.identity.identifier for one in rows if one.study.identity]


@pytest.fixture
def chained(ledger: Ledger, clock: Any) -> Ledger:
    """A study of each of three patients; the first was merged into the second, that one into the third."""
    for number, one in enumerate(EVERYBODY, start=1):
        studied(ledger, clock, number, identity=one)
    change(ledger, clock, MERGE)
    change(ledger, clock, MERGE, SURVIVOR, THIRD, "MSG-2")
    return ledger


def test_a_chain_asks_every_case_under_its_end_and_an_unlink_inside_it_gives_one_back(
    chained: Ledger, clock: Any
) -> None:
    assert asked(chained, clock) == [THIRD.identifier] * 3
    change(chained, clock, UNLINK, message="MSG-3")

    assert asked(chained, clock) == [PATIENT.identifier, THIRD.identifier, THIRD.identifier]


@pytest.mark.parametrize(("ends", "holds"), [(SURVIVOR, [PATIENT, PATIENT, THIRD]), (THIRD, [PATIENT] * 3)])
def test_a_merge_that_closes_a_circle_first_frees_the_one_that_survives(
    chained: Ledger, engine: sa.Engine, clock: Any, ends: PatientIdentity, holds: list[PatientIdentity]
) -> None:
    change(chained, clock, MERGE, ends, PATIENT, "MSG-3")

    with reading(engine) as connection:
        assert [surviving(connection, one) for one in EVERYBODY] == holds
    assert asked(chained, clock) == [one.identifier for one in holds]


def test_the_end_of_the_old_chain_gives_up_whoever_came_through_the_one_that_left_it(
    chained: Ledger, clock: Any
) -> None:
    fourth = PatientIdentity("hospital", "MRN-TEST-4")
    change(chained, clock, MERGE, SURVIVOR, fourth, "MSG-3")

    assert asked(chained, clock) == [fourth.identifier, fourth.identifier, THIRD.identifier]


def test_a_late_answer_of_a_running_case_is_not_taken_for_the_identity_that_ended(ledger: Ledger, clock: Any) -> None:
    case_id = studied(ledger, clock)
    pinned(ledger, clock)
    claim = ledger.attempts.claim("claim", case_id, 1, "worker", clock())
    change(ledger, clock, MERGE)

    with pytest.raises(StaleAttemptError):
        ledger.attempts.answer("late", case_id, claim.attempt, a_prediction(), clock())
    assert ledger.queries.case(case_id, clock()).findings == ()
    assert asked(ledger, clock) == [SURVIVOR.identifier]


def test_a_corrected_case_is_asked_again_by_nobody_until_its_images_have_the_right_identity(
    ledger: Ledger, clock: Any
) -> None:
    old = predicted(ledger, clock)
    change(ledger, clock, CORRECTION)
    with pytest.raises(ConflictError, match="another identity"):
        ledger.people.retry("r", old, "dr-test", clock())
    ledger.intake.submit("again", _same(PATIENT), ("ln_pcr",), clock())
    assert asked(ledger, clock) == []

    ledger.intake.submit("right", _same(SURVIVOR), ("ln_pcr",), clock())
    assert asked(ledger, clock) == [SURVIVOR.identifier]


def test_a_correction_that_is_corrected_back_lets_the_images_ask_again(ledger: Ledger, clock: Any) -> None:
    studied(ledger, clock)
    change(ledger, clock, CORRECTION)
    change(ledger, clock, CORRECTION, SURVIVOR, PATIENT, "MSG-2")
    ledger.intake.submit("again", _same(PATIENT), ("ln_pcr",), clock())

    assert asked(ledger, clock) == [PATIENT.identifier]


def test_a_case_that_opens_beside_a_merge_ends_under_the_surviving_identity(
    ledger: Ledger, engine: sa.Engine, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, merging, real = threading.Event(), threading.Event(), identities.attributed

    def slow(connection: sa.Connection, study: Study) -> Study:
        found = real(connection, study)
        inside.set()
        merging.wait(1.0)  # the merge cannot pass: it waits for us, not we for it
        return found

    monkeypatch.setattr(intake, "attributed", slow)
    submitting = threading.Thread(target=lambda: studied(ledger, clock))
    submitting.start()
    assert inside.wait(20)
    monkeypatch.setattr(intake, "attributed", real)
    ledger.patients.change("m", PatientChange(PatientChangeKind.MERGE, PATIENT, SURVIVOR, "MSG-1"), clock())
    merging.set()
    submitting.join(20)

    assert list(due(ledger, clock).values()) == [SURVIVOR.identifier]


def _same(identity: PatientIdentity) -> Study:
    return a_study(study_instance_uid="1.2.826.0.1.3680043.8.498.3.1", identity=identity)
