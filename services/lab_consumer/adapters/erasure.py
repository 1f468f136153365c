"""Erasing a patient from the facts database, past versions and merged records included."""

from __future__ import annotations

import json
from dataclasses import dataclass

import sqlalchemy as sql
from sqlalchemy.exc import DBAPIError

from services.lab_consumer.adapters.database import NAME, in_turn
from services.lab_consumer.adapters.tables import (
    OUTBOX,
    PATIENT_CHANGES,
    REFUSALS,
    RESOURCES,
    STATEMENTS,
    VERSIONS,
)
from shared.domain.identity import PatientIdentity
from shared.storage import databases


@dataclass(frozen=True, slots=True)
class SqlErasure:
    """The port ``Erasure``; the engine is borrowed."""

    engine: sql.Engine

    def __call__(self, identity: PatientIdentity) -> tuple[int, int]:
        """Remove everything about a patient; return how many resources and statements that was.

        Raises:
            UnavailableError: If the database cannot be reached, or is in use for too long.
        """
        with in_turn(self.engine) as connection:
            sources = _sources(connection, identity)
            statements = _forget_statements(connection, identity, sources)
            for source in sources:
                _forget_resource(connection, source)
            _forget_versions_naming(connection, identity)
            for table in (OUTBOX, STATEMENTS):
                connection.execute(table.delete().where(*_is(table.c.authority, table.c.identifier, identity)))
            changes = PATIENT_CHANGES.c
            for columns in (
                (changes.from_authority, changes.from_identifier),
                (changes.to_authority, changes.to_identifier),
            ):
                connection.execute(PATIENT_CHANGES.delete().where(*_is(*columns, identity)))
        try:
            databases.compact(self.engine)
        except DBAPIError as error:
            raise databases.translated(error, NAME) or error from error
        return len(sources), statements


def _sources(connection: sql.Connection, identity: PatientIdentity) -> tuple[str, ...]:
    """Return ``Type/id`` of everything that is about the patient, herself first."""
    name = RESOURCES.c.resource_type + "/" + RESOURCES.c.resource_id
    own = sql.select(name).where(*_is(RESOURCES.c.authority, RESOURCES.c.identifier, identity))
    direct = list(connection.execute(own).scalars())
    patients = [source for source in direct if source.startswith("Patient/")]
    about = connection.execute(sql.select(name).where(RESOURCES.c.subject.in_(patients))).scalars() if patients else ()
    return tuple(dict.fromkeys([*direct, *about]))


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
