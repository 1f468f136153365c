"""Erasing a patient: rows at once, stored objects after them, and the space they took last.

What stays, and why: cases, revisions, states and deliveries with their object ids (which object of ours lies in which
chart must be provable for as long as the chart is kept), and the audit, in which the patient is a keyed HMAC. Results
at sinks belong to their owners.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from services.results.ledger import audit
from services.results.ledger.cases import Step, change
from services.results.ledger.codec import digest, dump, load
from services.results.ledger.database import compact, reading, writing
from services.results.ledger.governance_tables import AUDIT, ERASURE
from services.results.ledger.identities import ERASED as GONE
from services.results.ledger.identities import Links, forget, hold_still
from services.results.ledger.keys import Keys
from services.results.ledger.outcomes import drop_unsent, retire
from services.results.ledger.policy import Policy
from services.results.ledger.record import tell
from services.results.ledger.requests import once
from services.results.ledger.retraction import close
from services.results.ledger.tables import ATTEMPT, CASE, DELIVERY, FINDING, NOTICE, TRANSITION
from shared.domain.case import Currency
from shared.domain.errors import NotFoundError
from shared.domain.governance import Erasure
from shared.domain.identity import Demographics, PatientIdentity
from shared.domain.study import Completeness, CompletenessEvidence, Study
from shared.storage.artefacts import SCHEME

ERASED = "erased"
_UID = re.compile(r"[0-9]+(?:\.[0-9]+)+")
BATCH = 100
"""Stored objects removed between two looks at the clock and the ledger."""


@dataclass(frozen=True, slots=True)
class Erasures:
    """The ledger's side of ErasePatient, and what finishes erasures."""

    engine: sa.Engine
    keys: Keys
    policy: Policy

    def erase(
        self, request_id: str, identity: PatientIdentity, step: Step, uids: frozenset[str] = frozenset()
    ) -> Erasure:
        """Empty every row about the patient, under every identity merged with this one; note which objects must go.

        ``uids``: the patient's studies, series and instances, as far as somebody else knows them. A case whose images
        disagree about the patient has no identity, and a notice names nothing but UIDs.
        """
        patient = self.keys.patient(identity)
        with writing(self.engine) as connection:
            erasure_id = once(
                connection, request_id, "ErasePatient", step.time,
                lambda: self._erase(connection, request_id, identity, step, uids), actor=step.actor, patient=patient,
            )  # fmt: skip
        return self.one(str(erasure_id))

    def one(self, erasure_id: str) -> Erasure:
        """Return how far an erasure is.

        Raises:
            NotFoundError: If there is none of this id.
        """
        with reading(self.engine) as connection:
            row = connection.execute(sa.select(ERASURE).where(ERASURE.c.erasure_id == erasure_id)).first()
            if row is None:
                raise NotFoundError("erasure", erasure_id)
            group = sa.select(AUDIT.c.patient).where(AUDIT.c.act == "erasure", AUDIT.c.subject == erasure_id)
            sinks = (
                sa.select(DELIVERY.c.sink)
                .join(CASE, CASE.c.case_id == DELIVERY.c.case_id)
                .where(CASE.c.patient.in_(group), DELIVERY.c.maybe_there > 0)
            )
            names = tuple(sorted(set(connection.execute(sinks).scalars())))
        left = len(json.loads(row.blobs))
        return Erasure(row.erasure_id, row.patient, row.case_count, left, names, row.finished_time)

    def work(self, erase_blob: Callable[[str], None], now: datetime) -> int:
        """Remove stored objects of unfinished erasures, then give the space back; return how many were removed.

        Raises:
            OncoRelayError: If an object cannot be removed; it stays on the list.
        """
        with reading(self.engine) as connection:
            rows = list(connection.execute(sa.select(ERASURE).where(ERASURE.c.finished_time.is_(None))))
        return sum(self._work_one(row, erase_blob, now) for row in rows)

    def _work_one(self, row: sa.Row[Any], erase_blob: Callable[[str], None], now: datetime) -> int:
        uris = json.loads(row.blobs)
        self._tell_late(row, now)
        for uri in uris[:BATCH]:
            erase_blob(uri)
        if uris:
            self._keep(row.erasure_id, blobs=json.dumps(uris[BATCH:]))
        else:
            compact(self.engine)
            with writing(self.engine) as connection:
                audit.note(connection, "erasure.finished", row.erasure_id, time=now, actor="dispatch",
                           patient=row.patient)  # fmt: skip
                query = ERASURE.update().where(ERASURE.c.erasure_id == row.erasure_id)
                connection.execute(query.values(finished_time=now))
        return min(len(uris), BATCH)

    def _tell_late(self, row: sa.Row[Any], now: datetime) -> None:
        if row.told or now <= row.deadline_time:
            return
        with writing(self.engine) as connection:
            text = "stored objects of an erased patient could not be removed yet; the log of results.dispatch says why"
            tell(connection, "overdue_erasure", text, now, key=row.erasure_id)
            connection.execute(ERASURE.update().where(ERASURE.c.erasure_id == row.erasure_id).values(told=True))

    def _keep(self, erasure_id: str, **values: Any) -> None:
        with writing(self.engine) as connection:
            connection.execute(ERASURE.update().where(ERASURE.c.erasure_id == erasure_id).values(**values))

    def _erase(
        self, connection: sa.Connection, request_id: str, identity: PatientIdentity, step: Step, uids: frozenset[str]
    ) -> str:
        erasure_id = digest("erasure", request_id)[:32]
        hold_still(connection, changing=True)
        links = Links(connection, self.keys, (identity,))
        group = tuple(one for one in links.group(identity) if one.authority != GONE)
        patient = self.keys.patient(group[0])
        rows = _cases_of(connection, group, uids)
        images = {uri for row in rows for uri in _stored(load(row.study, Study))}
        blobs = sorted(images) + [f"{SCHEME}:{row.case_id}" for row in rows if _drew(connection, row)]
        for row in rows:
            _empty(connection, row, Step(step.actor, step.time, ERASED))
        _forget_notices(connection, uids)
        forget(links, group, ERASED)
        values = {
            "erasure_id": erasure_id, "patient": patient, "blobs": json.dumps(blobs), "actor": step.actor,
            "case_count": len(rows), "created_time": step.time, "finished_time": None, "told": False,
            "deadline_time": step.time + self.policy.state_deadline,
        }  # fmt: skip
        connection.execute(ERASURE.insert().values(**values))
        for one in group:
            audit.note(connection, "erasure", erasure_id, time=step.time, actor=step.actor,
                       patient=self.keys.patient(one), identities=len(group), cases=len(rows), blobs=len(blobs),
                       reason=_without(step.reason, group))  # fmt: skip
        return erasure_id


def _without(reason: str, group: tuple[PatientIdentity, ...]) -> str:
    for one in sorted(group, key=lambda one: len(one.identifier), reverse=True):
        reason = reason.replace(one.identifier, "[identifier]")
    return reason


def _stored(study: Study) -> set[str]:
    """Return where the images lie that are ours to remove.

    A slide that came as a file lies in its scanner's folder, which is the hospital's, or in the cache of
    slide_ingestion, which removes it.
    """
    return {one.blob_uri for one in study.instances if study.in_dicom}


def _drew(connection: sa.Connection, row: sa.Row[Any]) -> bool:
    """Tell whether a worker may have stored anything beside an answer from images, reported or not."""
    if load(row.study, Study).panel is not None:
        return False
    query = sa.select(ATTEMPT.c.number).where(ATTEMPT.c.case_id == row.case_id)
    return connection.execute(query.limit(1)).first() is not None


def _empty(connection: sa.Connection, row: sa.Row[Any], step: Step) -> None:
    close(connection, row.case_id, step)
    for finding in list(connection.execute(sa.select(FINDING).where(FINDING.c.case_id == row.case_id))):
        drop_unsent(connection, finding, step, sending=True)
        if finding.currency == Currency.CURRENT:
            retire(connection, finding, Currency.WITHDRAWN, step)
    connection.execute(FINDING.update().where(FINDING.c.case_id == row.case_id).values(body=""))
    for table in (ATTEMPT, TRANSITION):
        connection.execute(table.update().where(table.c.case_id == row.case_id).values(reason=ERASED))
    about = sa.or_(NOTICE.c.case_id == row.case_id, NOTICE.c.text.contains(row.study_instance_uid, autoescape=True))
    connection.execute(NOTICE.update().where(about).values(text=ERASED))
    blank = {
        "authority": "", "identifier": "", "sent_authority": "", "sent_identifier": "", "study_instance_uid": "",
        "study": dump(_blank(load(row.study, Study))), "study_version": "", "pins": None, "reason": ERASED,
        "proposal": None, "exclusions": None,
    }  # fmt: skip
    change(connection, row.case_id, step.time, **blank)


def _cases_of(connection: sa.Connection, group: tuple[PatientIdentity, ...], uids: frozenset[str]) -> list[sa.Row[Any]]:
    """Return the cases of these identities, and those without any that are about one of these studies."""
    mine = sa.or_(*(_of(one) for one in group))
    nobodys = sa.and_(CASE.c.identifier == "", CASE.c.study_instance_uid != "")
    either = sa.select(CASE).where(sa.or_(mine, nobodys)).order_by(CASE.c.case_id).with_for_update()
    return [row for row in connection.execute(either) if row.identifier or row.study_instance_uid in uids]


def _forget_notices(connection: sa.Connection, uids: frozenset[str]) -> None:
    for row in list(connection.execute(sa.select(NOTICE.c.notice_id, NOTICE.c.text))) if uids else ():
        if not uids.isdisjoint(_UID.findall(row.text)):
            connection.execute(NOTICE.update().where(NOTICE.c.notice_id == row.notice_id).values(text=ERASED))


def _of(one: PatientIdentity) -> sa.ColumnElement[bool]:
    """Tell the cases of an identity, as they are now or as their images have them."""
    return sa.or_(
        sa.and_(CASE.c.authority == one.authority, CASE.c.identifier == one.identifier),
        sa.and_(CASE.c.sent_authority == one.authority, CASE.c.sent_identifier == one.identifier),
    )


def _blank(study: Study) -> Study:
    """Return a study that says nothing about anybody."""
    epoch = datetime.combine(date(1970, 1, 1), datetime.min.time(), UTC)
    return Study("", None, Demographics(), None, "", None, (),
                 Completeness(CompletenessEvidence(study.completeness.evidence), ERASED, epoch))  # fmt: skip
