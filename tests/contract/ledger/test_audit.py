"""The audit chain on both databases: written with what it tells, and nobody can alter it unnoticed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from services.results.ledger.cases import Step
from services.results.ledger.ledger import Ledger
from services.results.serve.adapters.anchor_file import AnchorFile
from services.results.serve.handlers import AnchorAudit
from shared.domain.audit import Anchor, AuditFault, AuditRow, faults, row_hash
from shared.domain.errors import ConflictError, InvalidInputError
from shared.site.anchors import read_anchors
from shared.testing.cases import PATIENT
from tests.contract.ledger.steps import deliver_all, predicted, studied

pytestmark = pytest.mark.contract


def chain(ledger: Ledger) -> tuple[AuditRow, ...]:
    return ledger.trail.rows()


def found(ledger: Ledger, anchors: tuple[Anchor, ...] = ()) -> list[str]:
    return [fault.text for fault in faults(chain(ledger), anchors)]


def tamper(engine: sa.Engine, *statements: str) -> None:
    """Do what somebody with the database's own rights could do."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            for event in ("update", "delete"):
                connection.execute(sa.text(f"DROP TRIGGER IF EXISTS ledger_audit_no_{event}"))
        else:
            connection.execute(sa.text("DROP TRIGGER IF EXISTS ledger_audit_guard ON ledger_audit"))
        for statement in statements:
            connection.execute(sa.text(statement))


def test_everything_that_was_done_to_a_case_is_told_in_order(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    deliver_all(ledger, clock)
    ledger.people.withdraw("w", case_id, Step("dr-test", clock(), "wrong patient positioned"))

    acts = [row.act for row in chain(ledger)]
    assert {"request.SubmitCase", "request.ClaimAttempt", "request.ReportPrediction", "request.WithdrawCase"} <= {*acts}
    steps = [json.loads(row.detail)["step"] for row in ledger.trail.rows(case_id=case_id) if "inference" in row.act]
    assert steps[:4] == [" -> collecting", "collecting -> queued", "queued -> running", "running -> predicted"]
    delivered = [row for row in chain(ledger) if "sending -> delivered" in row.detail]
    assert [row.subject for row in delivered] == ["pacs 1", "ehr 1"]
    assert any(row.actor == "dr-test" and "wrong patient positioned" in row.detail for row in chain(ledger))
    assert found(ledger) == []


def test_what_failed_leaves_no_row(ledger: Ledger, clock: Any) -> None:
    case_id = predicted(ledger, clock)
    before = chain(ledger)
    with pytest.raises(ConflictError):
        ledger.people.withdraw("claim-" + case_id, case_id, Step("dr-test", clock(), "never"))

    assert chain(ledger) == before


def test_no_identifier_of_a_patient_stands_in_the_chain_even_where_a_person_typed_it(
    ledger: Ledger, clock: Any
) -> None:
    case_id = predicted(ledger, clock)
    ledger.people.withdraw("w", case_id, Step("dr-test", clock(), f"{PATIENT.identifier} asked for it"))

    assert not [row for row in chain(ledger) if PATIENT.identifier in str(row)]
    assert ledger.trail.rows(identity=PATIENT)
    assert {row.patient for row in ledger.trail.rows(case_id=case_id)} == {
        row.patient for row in ledger.trail.rows(identity=PATIENT)
    }


def test_a_view_is_recorded_with_who_looked(ledger: Ledger, clock: Any) -> None:
    case_id = studied(ledger, clock)
    ledger.trail.viewed("view.case", "dr-test", clock(), (case_id,))

    last = chain(ledger)[-1]
    assert (last.act, last.actor, last.case_id) == ("view.case", "dr-test", case_id)


def test_writers_at_once_make_one_chain_without_gaps(ledger: Ledger, clock: Any) -> None:
    def write(worker: int) -> None:
        for number in range(15):
            ledger.intake.notice(f"n-{worker}-{number}", "test", f"{worker} {number}", "", clock())

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [row.number for row in chain(ledger)] == list(range(1, 121))
    assert found(ledger) == []


@pytest.mark.parametrize("statement", ["UPDATE ledger_audit SET actor = 'x'", "DELETE FROM ledger_audit"])
def test_the_database_itself_refuses_to_alter_the_chain(
    ledger: Ledger, engine: sa.Engine, clock: Any, statement: str
) -> None:
    studied(ledger, clock)
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(sa.text(statement))


def test_a_changed_row_is_named(ledger: Ledger, engine: sa.Engine, clock: Any) -> None:
    predicted(ledger, clock)
    tamper(engine, "UPDATE ledger_audit SET actor = 'somebody' WHERE number = 4")

    assert found(ledger) == ["row 4 was changed"]


def test_a_changed_row_with_a_new_hash_is_named(ledger: Ledger, engine: sa.Engine, clock: Any) -> None:
    predicted(ledger, clock)
    row = chain(ledger)[3]
    forged = AuditRow(**{**{f: getattr(row, f) for f in row.__slots__}, "actor": "somebody", "hash": ""})
    tamper(engine, f"UPDATE ledger_audit SET actor = 'somebody', hash = '{row_hash(forged)}' WHERE number = 4")

    assert found(ledger) == ["row 4 was changed, and its hash made anew"]


def test_a_removed_row_is_named(ledger: Ledger, engine: sa.Engine, clock: Any) -> None:
    predicted(ledger, clock)
    tamper(engine, "DELETE FROM ledger_audit WHERE number IN (3, 4, 7)")

    assert found(ledger) == ["rows 3 to 4 were removed", "row 7 was removed"]


def test_rows_that_changed_places_are_named(ledger: Ledger, engine: sa.Engine, clock: Any) -> None:
    predicted(ledger, clock)
    moves = [(3, 1000), (6, 3), (1000, 6)]
    tamper(engine, *(f"UPDATE ledger_audit SET number = {to} WHERE number = {at}" for at, to in moves))

    assert found(ledger) == [
        "row 3 was reordered: the right place is 6",
        "row 6 was reordered: the right place is 3",
    ]


def test_an_inserted_row_is_named(ledger: Ledger, engine: sa.Engine, clock: Any) -> None:
    predicted(ledger, clock)
    rows = chain(ledger)
    last, before = rows[-1].number, rows[3]
    forged = AuditRow(5, before.time, "somebody", "view.case", "x", "", "", "{}", before.hash)
    shift = [f"UPDATE ledger_audit SET number = {n + 1} WHERE number = {n}" for n in range(last, 4, -1)]
    micros = int(forged.time.timestamp() * 1_000_000)
    insert = (
        "INSERT INTO ledger_audit (number, time, actor, act, subject, case_id, patient, detail, previous, hash) VALUES "
        f"(5, {micros}, 'somebody', 'view.case', 'x', '', '', '{{}}', '{before.hash}', '{row_hash(forged)}')"
    )
    tamper(engine, *shift, insert)

    assert found(ledger) == [
        "row 5 was inserted",
        f"rows 6 to {last + 1} were reordered: the right place is 5 to {last}",
    ]


def test_a_cut_tail_and_an_anchor_that_does_not_match_are_named(
    ledger: Ledger, engine: sa.Engine, clock: Any, tmp_path: Path
) -> None:
    place, alarms = AnchorFile(tmp_path / "elsewhere" / "anchors.jsonl"), list[Anchor]()
    anchoring = AnchorAudit(ledger.trail, (place,), clock, alarms.append)
    studied(ledger, clock)
    assert anchoring()
    assert not anchoring()
    predicted(ledger, clock, 2)
    assert anchoring()
    anchors = read_anchors(place.path)
    assert found(ledger, anchors) == []

    first, last = anchors[0].number, anchors[1].number
    tamper(engine, f"DELETE FROM ledger_audit WHERE number > {last - 2}")
    assert found(ledger, anchors) == [
        f"the tail was cut: rows {last - 1} to {last} were there (anchored at {clock().isoformat()})"
    ]
    wrong = (Anchor(first, "f" * 64, clock()),)
    assert found(ledger, wrong) == [f"row {first} is not the one that was anchored at {clock().isoformat()}"]


def test_a_chain_written_anew_from_the_first_row_is_found_by_its_anchor(
    ledger: Ledger, engine: sa.Engine, clock: Any, make_ledger: Callable[..., Ledger]
) -> None:
    predicted(ledger, clock)
    anchor = ledger.trail.anchor(clock())
    tamper(engine, "DELETE FROM ledger_audit")
    predicted(ledger, clock, 2)

    assert found(ledger) == []
    assert faults(chain(ledger), (anchor,))[0] == AuditFault(
        anchor.number, f"row {anchor.number} is not the one that was anchored at {clock().isoformat()}"
    )


def test_a_tail_written_anew_and_anchored_again_is_found_by_its_first_anchor(ledger: Ledger, clock: Any) -> None:
    predicted(ledger, clock)
    rows = list(chain(ledger))
    first = ledger.trail.anchor(clock())
    previous = rows[-5].previous
    for place in range(-5, 0):
        row = replace(rows[place], actor="somebody-else", previous=previous)
        rows[place] = replace(row, hash=row_hash(row))
        previous = rows[place].hash
    second = Anchor(first.number, rows[-1].hash, clock())

    texts = [fault.text for fault in faults(rows, (first, second))]
    assert f"row {first.number} is not the one that was anchored at {clock().isoformat()}" in texts
    assert any(f"row {first.number} was anchored with different hashes" in text for text in texts)


def test_the_chain_says_what_stands_at_a_number(ledger: Ledger, clock: Any) -> None:
    studied(ledger, clock)
    head = ledger.trail.anchor(clock())
    assert (ledger.trail.hash_of(head.number), ledger.trail.hash_of(head.number + 1)) == (head.hash, "")


def test_a_file_of_anchors_that_somebody_wrote_into_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    path.write_text('{"number": 1}\n')

    with pytest.raises(InvalidInputError, match="line 1"):
        read_anchors(path)
