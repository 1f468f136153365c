"""Erasing a canary patient from the ledger, on both databases; and what is kept no longer than the site says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.results.ledger.cases import Step
from services.results.ledger.database import upgrade
from services.results.ledger.deliveries import LedgerDeliveries
from services.results.ledger.identities import RETIRED
from services.results.ledger.ledger import Ledger
from services.results.ledger.policy import Policy
from shared.domain.audit import faults
from shared.domain.errors import ConflictError, ForbiddenError, UnavailableError
from shared.domain.governance import PatientChange, PatientChangeKind
from shared.domain.identity import Demographics, PatientIdentity, Sex
from shared.storage.blobs import LocalBlobs
from shared.storage.erasure import BlobEraser
from shared.testing.cases import PATIENT, a_prediction, a_study, an_instance, some_pins
from tests.contract.ledger.conftest import POLICY
from tests.contract.ledger.steps import deliver_all, name, pinned, predicted, studied

pytestmark = pytest.mark.contract

THIRD = PatientIdentity("hospital", "MRN-TEST-3")
CANARY = PatientIdentity("hospital", "CANARY-7319-MRN")
BORN = date(1951, 3, 17)
STUDY_UID = "1.2.826.0.1.3680043.8.498.3.1"


def canary(ledger: Ledger, clock: Any, uri: str) -> str:
    """Take the canary's study to a delivered prediction; return its case."""
    born = Demographics(BORN, Sex.FEMALE)
    images = (an_instance(1, blob_uri=uri),)
    case_id = studied(ledger, clock, identity=CANARY, demographics=born, instances=images)
    pinned(ledger, clock, some_pins(identity=CANARY))
    claim = ledger.attempts.claim("c", case_id, 1, "worker", clock())
    ledger.attempts.answer("a", case_id, claim.attempt, a_prediction(), clock())
    deliver_all(ledger, clock, ("pacs",))
    return case_id


def erase(ledger: Ledger, clock: Any, root: Path) -> None:
    ledger.erasures.erase("erase", CANARY, Step("dpo", clock(), f"asked for by {CANARY.identifier}"))
    for _ in range(2):
        ledger.erasures.work(BlobEraser(root), clock())


def everything(engine: sa.Engine) -> bytes:
    """Return all the ledger holds: its files on SQLite, every row of every table on PostgreSQL."""
    if engine.dialect.name == "sqlite":
        folder = Path(str(engine.url.database)).parent
        return b"".join(path.read_bytes() for path in folder.glob("ledger.sqlite*"))
    with engine.connect() as connection:
        tables = sa.inspect(connection).get_table_names()
        return repr([list(connection.execute(sa.text(f"SELECT * FROM {table}"))) for table in tables]).encode()


def test_no_byte_of_the_canary_is_left_in_the_ledger_nor_in_the_blob_store(
    ledger: Ledger, engine: sa.Engine, clock: Any, tmp_path: Path
) -> None:
    root = tmp_path / "blobs"
    root.mkdir()
    uri, _ = LocalBlobs(root).put(b"DICM CANARY-7319-MRN")
    canary(ledger, clock, uri)
    assert CANARY.identifier.encode() in everything(engine)
    erase(ledger, clock, root)

    left = everything(engine)
    for trace in (CANARY.identifier, BORN.isoformat(), STUDY_UID):
        assert trace.encode() not in left
    assert not [path for path in root.rglob("*") if path.is_file()]


def test_what_must_stay_stays_and_the_audit_still_finds_the_patient_by_key(
    ledger: Ledger, clock: Any, tmp_path: Path
) -> None:
    case_id = canary(ledger, clock, "file:///nowhere")
    ledger.erasures.erase("erase", CANARY, Step("dpo", clock(), "asked for"))
    detail = ledger.queries.case(case_id, clock())

    sent = {d.sink: d.location for d in detail.deliveries if d.location}
    assert sent == {"pacs": "at pacs"}
    assert [f.prediction for f in detail.findings] == [None]
    assert "erasure" in {row.act for row in ledger.trail.rows(identity=CANARY)}
    assert faults(ledger.trail.rows()) == ()
    with pytest.raises(ForbiddenError):
        ledger.erasures.work(BlobEraser(tmp_path / "blobs"), clock())


def test_an_object_that_cannot_be_removed_stays_on_the_list_and_a_person_is_told(ledger: Ledger, clock: Any) -> None:
    canary(ledger, clock, "file:///blobs/x")
    state = ledger.erasures.erase("erase", CANARY, Step("dpo", clock(), "asked for"))

    def offline(uri: str) -> None:
        raise UnavailableError("the blob store cannot be reached")

    with pytest.raises(UnavailableError):
        ledger.erasures.work(offline, clock.forward(hours=25))
    now = ledger.erasures.one(state.erasure_id)
    assert (now.blobs_left, now.finished_time, now.sinks) == (2, None, ("pacs",))  # the image, and what a worker stored
    assert "overdue_erasure" in {notice.kind for notice in ledger.queries.notices()}

    ledger.erasures.work(lambda uri: None, clock())
    ledger.erasures.work(lambda uri: None, clock())
    assert ledger.erasures.one(state.erasure_id).finished_time == clock()


def test_what_is_on_its_way_during_the_erasure_is_not_tried_again(ledger: Ledger, clock: Any, tmp_path: Path) -> None:
    canary(ledger, clock, "file:///nowhere")
    deliveries = LedgerDeliveries(ledger.engine)
    sending = deliveries.take_due("ehr", clock(), 30, name)
    assert sending is not None
    ledger.erasures.erase("erase", CANARY, Step("dpo", clock(), "asked for"))

    with pytest.raises(ConflictError):
        deliveries.delivered(sending, "uid", "at ehr", clock())
    assert deliveries.take_due("ehr", clock.forward(hours=1), 30, name) is None


def test_other_patients_are_left_alone(ledger: Ledger, clock: Any) -> None:
    other = predicted(ledger, clock, 2)
    canary(ledger, clock, "file:///nowhere")
    ledger.erasures.erase("erase", CANARY, Step("dpo", clock(), "asked for"))

    assert ledger.queries.case(other, clock()).findings[0].prediction is not None
    assert ledger.intake.announce("f", PATIENT, clock()) == 1


def test_a_merged_identity_is_erased_with_its_merge(ledger: Ledger, engine: sa.Engine, clock: Any) -> None:
    studied(ledger, clock, identity=CANARY)
    ledger.patients.change("m", PatientChange(PatientChangeKind.MERGE, CANARY, PATIENT, "MSG"), clock())
    erased = ledger.erasures.erase("erase", CANARY, Step("dpo", clock(), "asked for"))

    assert erased.case_count == 2
    assert CANARY.identifier not in _changes(engine)
    assert PATIENT.identifier not in _changes(engine)


def _changes(engine: sa.Engine) -> str:
    with engine.connect() as connection:
        return repr(list(connection.execute(sa.text("SELECT * FROM ledger_patient_change"))))


@pytest.mark.parametrize("erased", [PATIENT, CANARY, THIRD])
def test_whoever_of_a_chain_of_merges_is_named_the_whole_patient_is_erased_and_retired_numbers_stay_retired(
    ledger: Ledger, engine: sa.Engine, clock: Any, erased: PatientIdentity
) -> None:
    cases = [predicted(ledger, clock, n, identity=one) for n, one in enumerate((PATIENT, CANARY, THIRD), start=1)]
    for one, other in ((PATIENT, CANARY), (CANARY, THIRD)):
        clock.forward(seconds=1)
        merge = PatientChange(PatientChangeKind.MERGE, one, other, "MSG")
        ledger.patients.change(one.identifier, merge, clock())
    done = ledger.erasures.erase("erase", erased, Step("dpo", clock(), f"asked for by {THIRD.identifier}"))

    assert done.case_count == 6  # three as sent, and what the merges asked again
    for case_id in cases:
        assert [f.prediction for f in ledger.queries.case(case_id, clock()).findings][:1] == [None]
    assert not [one for one in (PATIENT, CANARY, THIRD) if one.identifier in _changes(engine)]
    studied(ledger, clock, 7)
    assert [due.study.conflicts for due in ledger.collecting.due(clock())] == [(RETIRED,)]
    studied(ledger, clock, 8, identity=THIRD)
    studied(ledger, clock, 9)
    assert {due.study.identity for due in ledger.collecting.due(clock()) if not due.study.conflicts} == {THIRD}


def test_an_unlink_after_an_erasure_makes_the_number_a_patient_of_her_own(ledger: Ledger, clock: Any) -> None:
    for kind, made in ((PatientChangeKind.MERGE, "m"), (PatientChangeKind.UNLINK, "u")):
        ledger.patients.change(made, PatientChange(kind, CANARY, PATIENT, "MSG"), clock())
        if kind is PatientChangeKind.MERGE:
            ledger.erasures.erase("erase", CANARY, Step("dpo", clock(), "asked for"))
    studied(ledger, clock, identity=CANARY)

    (due,) = ledger.collecting.due(clock())
    assert (due.study.identity, due.study.conflicts) == (CANARY, ())


def test_an_erased_patient_who_comes_again_is_a_new_question(ledger: Ledger, clock: Any) -> None:
    case_id = canary(ledger, clock, "file:///nowhere")
    ledger.erasures.erase("erase", CANARY, Step("dpo", clock(), "asked for"))
    study = a_study(study_instance_uid=STUDY_UID, identity=CANARY)
    assert ledger.intake.submit("again", replace(study), ("ln_pcr",), clock()) == (case_id,)

    (due,) = ledger.collecting.due(clock())
    assert due.study.identity == CANARY
    assert ledger.intake.announce("f", CANARY, clock()) == 1


def test_only_what_is_older_than_its_time_goes_and_what_speaks_never_does(
    make_ledger: Callable[..., Ledger], engine: sa.Engine, clock: Any
) -> None:
    upgrade(engine)
    day = timedelta(days=1)
    policy: Policy = replace(POLICY, keep_findings=30 * day, keep_requests=30 * day, keep_notices=30 * day)
    ledger = make_ledger(policy)
    case_id = predicted(ledger, clock)
    deliver_all(ledger, clock)
    ledger.people.withdraw("w", case_id, Step("dr-test", clock(), "wrong"))
    ledger.intake.notice("n", "test", "text", "", clock())
    assert ledger.retention.purge(clock()) == 0
    assert ledger.retention.purge(clock.forward(days=31)) > 0

    detail = ledger.queries.case(case_id, clock())
    assert [finding.prediction is None for finding in detail.findings] == [True, True]
    assert [notice.kind for notice in ledger.queries.notices()] == []
    assert deliver_all(ledger, clock) == ["pacs withdrawn", "ehr withdrawn"]
    assert faults(ledger.trail.rows()) == ()
