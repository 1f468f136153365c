"""Who is one patient with whom, by the recorded merges and unlinks."""

from __future__ import annotations

import sqlalchemy as sql

from services.lab_consumer.adapters import prepared, rows
from shared.domain.governance import PatientChangeKind
from shared.domain.identity import PatientIdentity
from shared.domain.merges import survivor


def merged_into(connection: sql.Connection, identity: PatientIdentity) -> PatientIdentity | None:
    """Return what the latest merge or unlink of an identity says."""
    row = connection.execute(prepared.LATEST_CHANGE, rows.of_identity(identity)).first()
    return rows.change_of(row).to_identity if row and row.kind == PatientChangeKind.MERGE else None


def members(connection: sql.Connection, identity: PatientIdentity) -> tuple[PatientIdentity, ...]:
    """Return whoever is merged into an identity now, over any number of steps."""
    found, reached = [], [identity]
    while reached:
        into = reached.pop()
        named = connection.execute(prepared.MERGES_INTO, rows.of_identity(into))
        stated = dict.fromkeys(rows.change_of(row).from_identity for row in named)
        fresh = [one for one in stated if one not in found and merged_into(connection, one) == into]
        found += fresh
        reached += fresh
    if not found:
        return ()
    ends = survivor(identity, lambda one: merged_into(connection, one))
    return tuple(one for one in found if survivor(one, lambda step: merged_into(connection, step)) == ends != one)


def one_patient(connection: sql.Connection, identity: PatientIdentity) -> tuple[PatientIdentity, ...]:
    """Return everybody who is one patient with an identity now, the surviving one first."""
    holds = survivor(identity, lambda one: merged_into(connection, one))
    return (holds, *members(connection, holds))
