"""What arrives: studies, panels and changed facts. Quick, and never waiting for anybody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from services.results.ledger.cases import Step, change, look_again
from services.results.ledger.codec import dump, load
from services.results.ledger.database import writing
from services.results.ledger.identities import TAKEN_BACK, Links, attributed, hold_still
from services.results.ledger.keys import Keys, study_version
from services.results.ledger.policy import Policy
from services.results.ledger.record import move, tell
from services.results.ledger.requests import once
from services.results.ledger.retraction import retract
from services.results.ledger.tables import CASE
from shared.domain.case import InferenceState, ReviewState
from shared.domain.identity import PatientIdentity
from shared.domain.study import Study


@dataclass(frozen=True, slots=True)
class Intake:
    """The ledger's side of SubmitCase, AnnounceFacts and ReportNotice."""

    engine: sa.Engine
    keys: Keys
    policy: Policy

    def submit(self, request_id: str, study: Study, predictors: tuple[str, ...], now: datetime) -> tuple[str, ...]:
        """Open, or look again at, one case per predictor that asks about this study; return their ids.

        Of a panel, or of the order of a slide, that was taken back, what was said is withdrawn; it opens nothing.
        """
        with writing(self.engine) as connection:
            hold_still(connection)
            ids = once(
                connection, request_id, "SubmitCase", now,
                lambda: self._submit(connection, study, predictors, now), actor=study.sender,
                patient=self.keys.patient(study.identity),
            )  # fmt: skip
        return tuple(ids)

    def announce(self, request_id: str, identity: PatientIdentity, now: datetime) -> int:
        """Look again at every case of the patient; return their number."""
        with writing(self.engine) as connection:
            query = sa.select(CASE.c.case_id).where(
                CASE.c.authority == identity.authority,
                CASE.c.identifier == identity.identifier,
                CASE.c.closed.is_(False),
            )
            ids = list(connection.execute(query).scalars())
            answer = once(
                connection, request_id, "AnnounceFacts", now, lambda: look_again(connection, ids, now),
                actor="lab_consumer", patient=self.keys.patient(identity),
            )  # fmt: skip
        return int(answer)

    def notice(self, request_id: str, kind: str, text: str, case_id: str, now: datetime) -> str:
        """Record something a person must see; return its id."""
        with writing(self.engine) as connection:
            answer = once(
                connection, request_id, "ReportNotice", now,
                lambda: tell(connection, kind, text, now, case_id=case_id, key=request_id),
            )  # fmt: skip
        return str(answer)

    def open_one(self, connection: sa.Connection, predictor: str, sent: Study, now: datetime) -> str:
        """Open, or look again at, the case of one study under the identity that holds now; return its id."""
        study = attributed(Links(connection, self.keys), sent)
        case_id, version = self.keys.case_id(predictor, study), study_version(study)
        known = connection.execute(sa.select(CASE.c.study_version).where(CASE.c.case_id == case_id)).scalar()
        if known in (version, TAKEN_BACK):
            return case_id
        self._withdraw_other_identities(connection, predictor, case_id, study, now)
        if known is None:
            self._open(connection, case_id, predictor, study, now)
        else:
            values = {"study": dump(study), "study_version": version, "evaluate_time": now, "closed": False}
            change(connection, case_id, now, **values, **self._whose(study))
        if sent.identity and sent.identity != study.identity:
            merged = {"sent_authority": sent.identity.authority, "sent_identifier": sent.identity.identifier}
            change(connection, case_id, now, **merged)
        return case_id

    def _submit(self, connection: sa.Connection, study: Study, predictors: tuple[str, ...], now: datetime) -> list[str]:
        if study.taken_back:
            return [case for name in predictors for case in self._take_back(connection, name, study, now)]
        return [self.open_one(connection, name, study, now) for name in predictors]

    def _take_back(self, connection: sa.Connection, predictor: str, sent: Study, now: datetime) -> list[str]:
        """Withdraw what was said of a panel or slide that is no more; submitted again, the same asks the case again."""
        study = attributed(Links(connection, self.keys), sent)
        case_id = self.keys.case_id(predictor, study)
        row = connection.execute(sa.select(CASE.c.closed).where(CASE.c.case_id == case_id)).first()
        if row is None:
            return []
        if not row.closed:
            retract(connection, case_id, self.keys, self.policy, Step(study.sender, now, study.taken_back))
            change(connection, case_id, now, study_version="")
        return [case_id]

    def _whose(self, study: Study) -> dict[str, str]:
        who = study.identity
        return {
            "authority": who.authority if who else "", "identifier": who.identifier if who else "",
            "study_instance_uid": study.study_instance_uid, "patient": self.keys.patient(who),
            "sent_authority": "", "sent_identifier": "",
        }  # fmt: skip

    def _open(self, connection: sa.Connection, case_id: str, predictor: str, study: Study, now: datetime) -> None:
        until = now + self.policy.collect
        values = {
            "case_id": case_id, "site_id": self.keys.site_id, "predictor": predictor,
            **self._whose(study), "study": dump(study),
            "study_version": study_version(study), "state": InferenceState.COLLECTING.value,
            "review": ReviewState.NOT_REQUIRED.value, "reason": "inputs are being collected", "revision": 0,
            "pins": None, "pin_digest": "", "attempts": 0, "evaluate_time": now, "collect_until": until,
            "deadline_time": until, "told": False, "closed": False, "created_time": now, "updated_time": now,
        }  # fmt: skip
        connection.execute(CASE.insert().values(**values))
        what = "panel opened" if study.panel else f"{study.kind} complete"
        reason = f"{what}: {study.completeness.detail}"
        move(connection, "inference", case_id, ("", InferenceState.COLLECTING), time=now,
             actor=study.sender or "dicom_listener", reason=reason)  # fmt: skip

    def _withdraw_other_identities(
        self, connection: sa.Connection, predictor: str, case_id: str, study: Study, now: datetime
    ) -> None:
        """The same images under another identity, side or specimen: what was said about the other one is taken back."""
        query = sa.select(CASE.c.case_id, CASE.c.study).where(
            CASE.c.study_instance_uid == study.study_instance_uid,
            CASE.c.predictor == predictor,
            CASE.c.case_id != case_id,
            CASE.c.site_id == self.keys.site_id,
            CASE.c.closed.is_(False),
        )
        for other in list(connection.execute(query)):
            if not _same_glass(load(other.study, Study), study):
                continue
            reason = f"the sender corrected the identity or the side of this {study.kind}"
            if study.conflicts:
                reason = f"the images of this {study.kind} disagree about the patient ({', '.join(study.conflicts)})"
            sender = study.sender if study.slide else "dicom_listener"
            retract(connection, other.case_id, self.keys, self.policy, Step(sender, now, reason))
            # Should the sender correct it back, the same images are news to that case.
            change(connection, other.case_id, now, study_version="")


def _same_glass(before: Study, now: Study) -> bool:
    """Tell whether both are about the same images: one DICOM study may hold every slide of a specimen."""
    if before.slide is None or now.slide is None:
        return before.slide is now.slide
    return before.slide.digest == now.slide.digest
