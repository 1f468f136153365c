"""Patients merged, told apart, or given another identifier: whose case is it now, and what must be taken back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from services.results.ledger import audit
from services.results.ledger.cases import Step, change, look_again
from services.results.ledger.codec import load
from services.results.ledger.database import writing
from services.results.ledger.governance_tables import PATIENT_CHANGE
from services.results.ledger.identities import TAKEN_BACK, hold_still, merged_into, surviving
from services.results.ledger.intake import Intake
from services.results.ledger.keys import Keys
from services.results.ledger.policy import Policy
from services.results.ledger.record import tell
from services.results.ledger.requests import once
from services.results.ledger.retraction import retract
from services.results.ledger.tables import CASE
from shared.domain.errors import InvalidInputError
from shared.domain.governance import PatientChange, PatientChangeKind
from shared.domain.identity import PatientIdentity
from shared.domain.merges import closes_a_circle
from shared.domain.study import Study

ACTOR = "lab_consumer"
_SAYS = {
    PatientChangeKind.MERGE: "the patient was merged with another record",
    PatientChangeKind.UNLINK: "two records of patients were told apart",
    PatientChangeKind.CORRECTION: "the patient's identifier was corrected: whose images these are is open",
}


@dataclass(frozen=True, slots=True)
class Patients:
    """The ledger's side of ReportPatientChange."""

    engine: sa.Engine
    keys: Keys
    policy: Policy

    def change(self, request_id: str, event: PatientChange, now: datetime) -> tuple[int, int]:
        """Record the change and act on it; return (cases taken back, cases asked under the identity that holds now).

        Raises:
            InvalidInputError: If a merge does not say into whom, or into itself.
        """
        if event.kind is PatientChangeKind.MERGE and event.to_identity in (None, event.from_identity):
            raise InvalidInputError("to_identity", "a merge names the identity that survives")
        with writing(self.engine) as connection:
            hold_still(connection, changing=True)
            withdrawn, asked = once(
                connection, request_id, "ReportPatientChange", now, lambda: self._change(connection, event, now),
                actor=ACTOR, patient=self.keys.patient(event.from_identity),
            )  # fmt: skip
        return int(withdrawn), int(asked)

    def name(self) -> int:
        """Give cases that were opened before the audit began their keyed name; return how many."""
        with writing(self.engine) as connection:
            rows = list(connection.execute(sa.select(CASE).where(CASE.c.patient == "", CASE.c.identifier != "")))
            for row in rows:
                named = self.keys.patient(PatientIdentity(row.authority, row.identifier))
                connection.execute(CASE.update().where(CASE.c.case_id == row.case_id).values(patient=named))
        return len(rows)

    def _change(self, connection: sa.Connection, event: PatientChange, now: datetime) -> list[int]:
        step = Step(ACTOR, now, f"{_SAYS[event.kind]} ({event.message})")
        concerned = [event.from_identity, event.to_identity, surviving(connection, event.from_identity)]
        self._record(connection, event, now)
        if event.kind is PatientChangeKind.CORRECTION:
            counts = self._take_back(connection, event, step), 0
        else:
            counts = self._move(connection, concerned, step)
        told = f"{step.reason}: {counts[0]} result(s) taken back, {counts[1]} case(s) asked under the other identity"
        tell(connection, "patient_change", told, now, key=f"{event.message}|{event.kind}|{now.isoformat()}")
        others = self.keys.patient(event.to_identity)
        audit.note(connection, f"patient.{event.kind}", event.message, time=now, actor=ACTOR, patient=others,
                   withdrawn=counts[0], asked=counts[1])  # fmt: skip
        return list(counts)

    def _record(self, connection: sa.Connection, event: PatientChange, now: datetime) -> None:
        joined = event.to_identity
        step = partial(merged_into, connection)
        into = step(joined) if joined and event.kind is PatientChangeKind.MERGE else None
        if joined and into and closes_a_circle(event.from_identity, joined, step):
            apart = replace(event, kind=PatientChangeKind.UNLINK, from_identity=joined, to_identity=into)
            self._insert(connection, apart, now)
        self._insert(connection, event, now)

    def _insert(self, connection: sa.Connection, event: PatientChange, now: datetime) -> None:
        joined = event.to_identity
        values = {
            "kind": event.kind.value, "from_authority": event.from_identity.authority,
            "from_identifier": event.from_identity.identifier, "to_authority": joined.authority if joined else "",
            "to_identifier": joined.identifier if joined else "", "message": event.message[:256], "time": now,
        }  # fmt: skip
        connection.execute(PATIENT_CHANGE.insert().values(**values))

    def _move(
        self, connection: sa.Connection, concerned: Iterable[PatientIdentity | None], step: Step
    ) -> tuple[int, int]:
        """Ask every case anew whose patient is another one now; what was said under the old identity is taken back."""
        withdrawn = asked = 0
        rows = self._concerned(connection, concerned)
        for row in rows:
            origin = _sent(row)
            if surviving(connection, origin) == _identity(row):
                continue
            if not row.closed:
                withdrawn += bool(retract(connection, row.case_id, self.keys, self.policy, step))
                study = replace(load(row.study, Study), identity=origin)
                self._intake().open_one(connection, row.predictor, study, step.time)
                asked += 1
            # Also of a closed one: nobody may ask it again under an identity that holds no longer.
            change(connection, row.case_id, step.time, study_version="")
        stays = [row.case_id for row in rows if not row.closed and surviving(connection, _sent(row)) == _identity(row)]
        look_again(connection, stays, step.time)
        return withdrawn, asked

    def _take_back(self, connection: sa.Connection, event: PatientChange, step: Step) -> int:
        rows = [row for row in self._concerned(connection, [event.from_identity]) if not row.closed]
        for row in rows:
            retract(connection, row.case_id, self.keys, self.policy, step)
            # Neither the same images again nor a person may ask it under an identifier that was wrong.
            change(connection, row.case_id, step.time, study_version=TAKEN_BACK)
        others = self._concerned(connection, [event.to_identity])
        for row in others:
            if row.study_version == TAKEN_BACK and _identity(row) == event.to_identity:  # corrected back
                change(connection, row.case_id, step.time, study_version="")
        look_again(connection, [row.case_id for row in others if not row.closed], step.time)
        return len(rows)

    def _concerned(self, connection: sa.Connection, identities: Iterable[PatientIdentity | None]) -> list[sa.Row[Any]]:
        """Return the cases of these identities, as they are now or as their images have them."""
        named = [
            sa.or_(
                sa.and_(CASE.c.authority == one.authority, CASE.c.identifier == one.identifier),
                sa.and_(CASE.c.sent_authority == one.authority, CASE.c.sent_identifier == one.identifier),
            )
            for one in identities
            if one
        ]
        if not named:
            return []
        query = sa.select(CASE).where(CASE.c.identifier != "", sa.or_(*named))
        return list(connection.execute(query.order_by(CASE.c.case_id).with_for_update()))

    def _intake(self) -> Intake:
        return Intake(self.engine, self.keys, self.policy)


def _identity(row: sa.Row[Any]) -> PatientIdentity:
    return PatientIdentity(row.authority, row.identifier)


def _sent(row: sa.Row[Any]) -> PatientIdentity:
    return PatientIdentity(row.sent_authority, row.sent_identifier) if row.sent_identifier else _identity(row)
