"""Which identity holds now: what merges and unlinks say, as seen inside a transaction."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from services.results.ledger.governance_tables import PATIENT_CHANGE
from shared.domain.governance import PatientChangeKind
from shared.domain.identity import PatientIdentity
from shared.domain.study import Study

_LONGEST_CHAIN = 16
"""More merges in a row than this are a loop that somebody made."""
_LINKS = (PatientChangeKind.MERGE.value, PatientChangeKind.UNLINK.value)


def surviving(connection: sa.Connection, identity: PatientIdentity) -> PatientIdentity:
    """Return the identity that ``identity`` was merged into, over several steps where there are several."""
    for _ in range(_LONGEST_CHAIN):
        query = sa.select(PATIENT_CHANGE).where(
            PATIENT_CHANGE.c.from_authority == identity.authority,
            PATIENT_CHANGE.c.from_identifier == identity.identifier,
            PATIENT_CHANGE.c.kind.in_(_LINKS),
        )
        last = connection.execute(query.order_by(PATIENT_CHANGE.c.change_id.desc()).limit(1)).first()
        if last is None or last.kind != PatientChangeKind.MERGE:
            return identity
        identity = PatientIdentity(last.to_authority, last.to_identifier)
    return identity


def attributed(connection: sa.Connection, study: Study) -> Study:
    """Return the study under the identity that holds now; its images keep the one they were made with."""
    if study.identity is None:
        return study
    holds = surviving(connection, study.identity)
    return study if holds == study.identity else replace(study, identity=holds)
