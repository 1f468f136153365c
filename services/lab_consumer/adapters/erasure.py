"""Erasing a patient from the facts database, past versions and merged records included."""

from __future__ import annotations

import json
from dataclasses import dataclass

import sqlalchemy as sql

from services.lab_consumer.adapters.database import NAME, in_turn
from services.lab_consumer.adapters.merged import one_patient
from services.lab_consumer.adapters.tables import (
    OUTBOX,
    PANEL_VALUES,
    PANELS,
    PATIENT_CHANGES,
    PULLS,
    REFUSALS,
    RESOURCES,
    SLIDE_ORDERS,
    STATEMENTS,
    VERSIONS,
)
from services.lab_consumer.ports.records import StatementKind
from shared.domain.errors import UnavailableError
from shared.domain.identity import PatientIdentity
from shared.storage import databases


@dataclass(frozen=True, slots=True)
class Erased:
    """What was removed."""

    identities: tuple[PatientIdentity, ...]
    """Everybody who was one patient, the surviving identity first."""
    resources: int
    statements: int


@dataclass(frozen=True, slots=True)
class SqlErasure:
    """The port ``Erasure``; the engine is borrowed."""

    engine: sql.Engine

    def __call__(self, identity: PatientIdentity) -> Erased:
        """Remove everything about a patient, under every identity that is merged with this one now.

        Raises:
            UnavailableError: If the database cannot be reached, or is in use for too long, or results has yet to
                hear of a merge: the ledger would then keep what it does not know to be hers.
        """
        with in_turn(self.engine) as connection:
            group = one_patient(connection, identity)
            if any(_untold(connection, one) for one in group):
                raise UnavailableError("results has yet to hear of a change of this patient: nothing is erased so far")
            counts = [_forget(connection, one) for one in group]
        with databases.asked(NAME):
            databases.compact(self.engine)
        return Erased(group, sum(count[0] for count in counts), sum(count[1] for count in counts))


def _forget(connection: sql.Connection, identity: PatientIdentity) -> tuple[int, int]:
    sources = _sources(connection, identity)
    statements = _forget_statements(connection, identity, sources)
    for source in sources:
        _forget_resource(connection, source)
    _forget_versions_naming(connection, identity)
    for table in (OUTBOX, STATEMENTS, PULLS, PANELS, PANEL_VALUES, SLIDE_ORDERS):
        connection.execute(table.delete().where(*_is(table.c.authority, table.c.identifier, identity)))
    connection.execute(PATIENT_CHANGES.delete().where(_names(identity)))
    return len(sources), statements


def _untold(connection: sql.Connection, identity: PatientIdentity) -> bool:
    query = sql.select(PATIENT_CHANGES.c.sequence).where(_names(identity), PATIENT_CHANGES.c.announced_time.is_(None))
    return connection.execute(query.limit(1)).first() is not None


def _names(identity: PatientIdentity) -> sql.ColumnElement[bool]:
    changes = PATIENT_CHANGES.c
    return sql.or_(
        sql.and_(*_is(changes.from_authority, changes.from_identifier, identity)),
        sql.and_(*_is(changes.to_authority, changes.to_identifier, identity)),
    )


def _sources(connection: sql.Connection, identity: PatientIdentity) -> tuple[str, ...]:
    """Return ``Type/id`` of everything that is about the patient, herself first."""
    name = RESOURCES.c.resource_type + "/" + RESOURCES.c.resource_id
    own = sql.select(name).where(*_is(RESOURCES.c.authority, RESOURCES.c.identifier, identity))
    direct = list(connection.execute(own).scalars())
    direct += _deleted(connection, identity)
    patients = [source for source in direct if source.startswith("Patient/")]
    about = connection.execute(sql.select(name).where(RESOURCES.c.subject.in_(patients))).scalars() if patients else ()
    return tuple(dict.fromkeys([*direct, *about]))


def _deleted(connection: sql.Connection, identity: PatientIdentity) -> list[str]:
    """Return the Patients that were hers last, and that the EHR deleted: what was said about them is still here."""
    patient = STATEMENTS.c.kind == StatementKind.PATIENT.value
    stated = sql.select(STATEMENTS.c.value).where(
        patient, STATEMENTS.c.value.is_not(None), *_is(STATEMENTS.c.authority, STATEMENTS.c.identifier, identity)
    )
    found = []
    for value in connection.execute(stated.distinct()).scalars().all():
        source = str(json.loads(value))
        latest = sql.select(STATEMENTS.c.authority, STATEMENTS.c.identifier).where(patient, STATEMENTS.c.value == value)
        whose = connection.execute(latest.order_by(STATEMENTS.c.sequence.desc()).limit(1)).one()
        nobody = sql.select(RESOURCES.c.resource_id).where(
            RESOURCES.c.resource_type == "Patient", RESOURCES.c.resource_id == source.removeprefix("Patient/"),
            RESOURCES.c.authority.is_(None),
        )  # fmt: skip
        if PatientIdentity(*whose) == identity and connection.execute(nobody).first():
            found.append(source)
    return found


def _forget_resource(connection: sql.Connection, source: str) -> None:
    kind, _, name = source.partition("/")
    for table in (RESOURCES, VERSIONS):
        connection.execute(table.delete().where(table.c.resource_type == kind, table.c.resource_id == name))
    connection.execute(REFUSALS.delete().where(REFUSALS.c.source == source))


def _forget_versions_naming(connection: sql.Connection, identity: PatientIdentity) -> None:
    """Past versions of a Patient that has another identifier now still state the one to be erased."""
    current = sql.select(RESOURCES.c.version_sequence)
    stated = VERSIONS.c.content.contains(json.dumps(identity.identifier, ensure_ascii=False), autoescape=True)
    connection.execute(VERSIONS.delete().where(stated, VERSIONS.c.sequence.not_in(current)))


def _forget_statements(connection: sql.Connection, identity: PatientIdentity, sources: tuple[str, ...]) -> int:
    """Remove what the patient's resources stated, under whichever identity it was seen after a merge."""
    counted = connection.execute(
        STATEMENTS.delete().where(*_is(STATEMENTS.c.authority, STATEMENTS.c.identifier, identity))
    ).rowcount
    for source in sources:
        key, quoted = STATEMENTS.c.key, json.dumps(source)
        mine = sql.or_(
            key == source, key.startswith(f"{source}#", autoescape=True), key.startswith(f"{source} ", autoescape=True),
            STATEMENTS.c.value == quoted,
        )  # fmt: skip
        counted += connection.execute(STATEMENTS.delete().where(mine)).rowcount
    return counted


def _is(
    authority: sql.Column[str], identifier: sql.Column[str], identity: PatientIdentity
) -> tuple[sql.ColumnElement[bool], sql.ColumnElement[bool]]:
    return authority == identity.authority, identifier == identity.identifier
