"""Which identity holds now: what merges and unlinks say, as seen inside a transaction."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from services.results.ledger.governance_tables import PATIENT_CHANGE
from shared.domain.governance import PatientChangeKind
from shared.domain.identity import PatientIdentity
from shared.domain.merges import survivor
from shared.domain.study import Study

# Any constant: it names the turn of changes of patients within one PostgreSQL database.
_TURN = 0x1DE_2717
TAKEN_BACK = "corrected"
"""Stands for the version of a study whose patient's identifier was corrected: whose its images are is open."""
_LINKS = (PatientChangeKind.MERGE.value, PatientChangeKind.UNLINK.value)


def hold_still(connection: sa.Connection, *, changing: bool = False) -> None:
    """Until the transaction ends no identity changes, or (``changing``) nobody else relies on any: take it first.

    A case opened beside a merge would else stay under the identity that ended. SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        shared = "" if changing else "_shared"
        connection.execute(sa.text(f"SELECT pg_advisory_xact_lock{shared}(:turn)"), {"turn": _TURN})


def merged_into(connection: sa.Connection, identity: PatientIdentity) -> PatientIdentity | None:
    """Return the identity that ``identity`` was merged into, in one step; None where it was not."""
    query = sa.select(PATIENT_CHANGE).where(
        PATIENT_CHANGE.c.from_authority == identity.authority,
        PATIENT_CHANGE.c.from_identifier == identity.identifier,
        PATIENT_CHANGE.c.kind.in_(_LINKS),
    )
    last = connection.execute(query.order_by(PATIENT_CHANGE.c.change_id.desc()).limit(1)).first()
    if last is None or last.kind != PatientChangeKind.MERGE:
        return None
    return PatientIdentity(last.to_authority, last.to_identifier)


def surviving(connection: sa.Connection, identity: PatientIdentity) -> PatientIdentity:
    """Return the identity that ``identity`` was merged into, over several steps where there are several."""
    return survivor(identity, lambda one: merged_into(connection, one))


def attributed(connection: sa.Connection, study: Study) -> Study:
    """Return the study under the identity that holds now; its images keep the one they were made with."""
    if study.identity is None:
        return study
    holds = surviving(connection, study.identity)
    return study if holds == study.identity else replace(study, identity=holds)
