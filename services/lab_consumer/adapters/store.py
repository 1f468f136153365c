"""Facts and resources in SQL: SQLite or PostgreSQL, one contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sql

from services.lab_consumer.adapters import panels, rows
from services.lab_consumer.adapters.database import in_turn
from services.lab_consumer.adapters.tables import (
    CLOCK,
    OUTBOX,
    PATIENT_CHANGES,
    REFUSALS,
    RESOURCES,
    STATEMENTS,
    VERSIONS,
)
from services.lab_consumer.ports import Panel, Refusal, Statement, Version
from shared.domain.governance import PatientChange, PatientChangeKind
from shared.domain.identity import PatientIdentity
from shared.domain.merges import survivor

_CURRENT = (
    sql.select(RESOURCES, VERSIONS.c.version, VERSIONS.c.digest, VERSIONS.c.content)
    .select_from(RESOURCES.join(VERSIONS, RESOURCES.c.version_sequence == VERSIONS.c.sequence))
    .order_by(RESOURCES.c.resource_type, RESOURCES.c.resource_id)
)
_TICK = timedelta(microseconds=1)
_LONGEST = 512
_LONGEST_MESSAGE = 256


class SqlFactStore:
    """The port ``FactStore``; the engine is borrowed."""

    def __init__(self, engine: sql.Engine, now: Callable[[], datetime], new_request_id: Callable[[], str]) -> None:
        self._engine, self._now, self._new_request_id = engine, now, new_request_id

    @contextmanager
    def writing(self) -> Iterator[SqlWriting]:
        """Open one transaction, see the port."""
        with in_turn(self._engine) as connection:
            yield SqlWriting(connection, self._now, self._new_request_id)

    def known(self, identity: PatientIdentity, as_of: datetime) -> tuple[Statement, ...]:
        """Return what was known at ``as_of``. It waits its turn: no earlier writer can commit afterwards."""
        with in_turn(self._engine) as connection:
            return _stated(connection, identity, STATEMENTS.c.recorded_time <= rows.stamp(as_of))

    def refusals(self, limit: int) -> tuple[Refusal, ...]:
        """Return refusals, newest first."""
        with in_turn(self._engine) as connection:
            found = connection.execute(sql.select(REFUSALS).order_by(REFUSALS.c.sequence.desc()).limit(limit))
            return tuple(rows.refusal_of(row) for row in found)


class SqlWriting:
    """The port ``Writing``: one transaction on one connection."""

    def __init__(
        self, connection: sql.Connection, now: Callable[[], datetime], new_request_id: Callable[[], str]
    ) -> None:
        self._connection, self._now, self._new_request_id = connection, now, new_request_id
        self._recorded_time: datetime | None = None

    @property
    def now(self) -> datetime:
        """The recorded time of everything written here; a transaction that writes nothing takes none."""
        if self._recorded_time is None:
            self._recorded_time = _tick(self._connection, self._now())
        return self._recorded_time

    def head(self, resource_type: str, resource_id: str) -> Version | None:
        """Return the current version of a resource."""
        return next(iter(self._current(_is(resource_type, resource_id))), None)

    def append(self, version: Version) -> None:
        """Add a version and make it the current one."""
        added = self._connection.execute(
            sql.insert(VERSIONS).values(
                resource_type=version.resource_type,
                resource_id=version.resource_id,
                version=version.version,
                digest=version.digest,
                recorded_time=rows.stamp(self.now),
                content=rows.content_text(version),
            )
        )
        pointer = _pointer(version) | {"version_sequence": (added.inserted_primary_key or (None,))[0]}
        place = _is(version.resource_type, version.resource_id)
        if not self._connection.execute(sql.update(RESOURCES).where(place).values(pointer)).rowcount:
            named = {"resource_type": version.resource_type, "resource_id": version.resource_id}
            self._connection.execute(sql.insert(RESOURCES).values(pointer | named))

    def touch(self, version: Version) -> None:
        """Remember ``counted`` and ``last_updated``."""
        place = _is(version.resource_type, version.resource_id)
        values = {"counted": version.counted, "last_updated": version.last_updated}
        self._connection.execute(sql.update(RESOURCES).where(place).values(values))

    def owner(self, version: Version) -> PatientIdentity | None:
        """Return whom a version is about."""
        if version.identity or not version.subject or version.resource_type == "Patient":
            return version.identity
        kind, _, found = version.subject.partition("/")
        patient = self.head(kind, found)
        return patient.identity if patient else None

    def owners_needing(self, reference: str) -> tuple[PatientIdentity, ...]:
        """Return whose resources need ``reference``."""
        owners = [self.owner(version) for version in self._current(RESOURCES.c.needs == reference)]
        return tuple(dict.fromkeys(owner for owner in owners if owner))

    def about(self, identity: PatientIdentity) -> tuple[Version, ...]:
        """Return the current resources about a patient and the Medications they need."""
        if self.surviving(identity) != identity:
            return ()
        merged = members(self._connection, identity)
        own = self._current(sql.or_(*(sql.and_(*_identity(RESOURCES, one)) for one in (identity, *merged))))
        patients = [version.source for version in own if version.resource_type == "Patient"]
        theirs = self._current(RESOURCES.c.subject.in_(patients)) if patients else ()
        found = {version.source: version for version in (*own, *theirs)}
        for reference in sorted({version.needs for version in found.values() if version.needs}):
            kind, _, name = reference.partition("/")
            medicine = self.head(kind, name) if kind == "Medication" else None
            if medicine:
                found[medicine.source] = medicine
        return tuple(version for version in found.values() if version.content is not None)

    def surviving(self, identity: PatientIdentity) -> PatientIdentity:
        """Return the identity that ``identity`` was merged into."""
        return survivor(identity, self.merged_into)

    def merged_into(self, identity: PatientIdentity) -> PatientIdentity | None:
        """Return the identity that ``identity`` was merged into, in one step."""
        return _merged_into(self._connection, identity)

    def change(self, change: PatientChange) -> None:
        """Record a change of patients, to be told to results."""
        joined = change.to_identity
        self._connection.execute(
            sql.insert(PATIENT_CHANGES).values(
                request_id=self._new_request_id(),
                kind=change.kind.value,
                from_authority=change.from_identity.authority,
                from_identifier=change.from_identity.identifier,
                to_authority=joined.authority if joined else "",
                to_identifier=joined.identifier if joined else "",
                message=change.message[:_LONGEST_MESSAGE],
                recorded_time=rows.stamp(self.now),
                tries=0,
                due_time=rows.stamp(self.now),
            )
        )

    def waiting_for(self, reference: str) -> tuple[Version, ...]:
        """Return the current Patients whose link points at ``reference``."""
        return self._current(sql.and_(RESOURCES.c.needs == reference, RESOURCES.c.resource_type == "Patient"))

    def stated(self, identity: PatientIdentity) -> tuple[Statement, ...]:
        """Return what is known now."""
        return _stated(self._connection, identity, sql.true())

    def state(self, identity: PatientIdentity, statements: Sequence[Statement]) -> None:
        """Add what is known from now on."""
        added = [
            {
                "authority": identity.authority,
                "identifier": identity.identifier,
                "recorded_time": rows.stamp(self.now),
                "kind": row.kind.value,
                "key": row.key,
                "value": rows.value_text(row),
            }
            for row in statements
        ]
        if added:
            self._connection.execute(sql.insert(STATEMENTS), added)

    def announce(self, identity: PatientIdentity) -> None:
        """Put an announcement into the outbox."""
        self._connection.execute(
            sql.insert(OUTBOX).values(
                request_id=self._new_request_id(),
                authority=identity.authority,
                identifier=identity.identifier,
                tries=0,
                due_time=rows.stamp(self.now),
            )
        )

    def refuse(self, refusal: Refusal) -> None:
        """Record a refusal."""
        self._connection.execute(
            sql.insert(REFUSALS).values(
                source=refusal.source,
                element=refusal.element[:_LONGEST],
                code=refusal.code,
                reason=refusal.reason[:_LONGEST],
                recorded_time=rows.stamp(refusal.time),
            )
        )

    def panels(self, identity: PatientIdentity) -> tuple[Panel, ...]:
        """Return the panels of a patient and of whoever is merged into her."""
        return panels.of(self._connection, (identity, *members(self._connection, identity)))

    def keep_panel(self, panel: Panel, *, submit: bool) -> None:
        """Write a panel; with ``submit`` put it into the outbox."""
        panels.keep(self._connection, panel, self._new_request_id() if submit else "", self.now)

    def _current(self, condition: sql.ColumnElement[bool]) -> tuple[Version, ...]:
        return tuple(rows.version_of(row) for row in self._connection.execute(_CURRENT.where(condition)))


def _merged_into(connection: sql.Connection, identity: PatientIdentity) -> PatientIdentity | None:
    """Return what the latest merge or unlink of an identity says."""
    query = sql.select(PATIENT_CHANGES).where(
        PATIENT_CHANGES.c.from_authority == identity.authority,
        PATIENT_CHANGES.c.from_identifier == identity.identifier,
        PATIENT_CHANGES.c.kind != PatientChangeKind.CORRECTION.value,
    )
    row = connection.execute(query.order_by(PATIENT_CHANGES.c.sequence.desc()).limit(1)).first()
    return rows.change_of(row).to_identity if row and row.kind == PatientChangeKind.MERGE else None


def members(connection: sql.Connection, identity: PatientIdentity) -> tuple[PatientIdentity, ...]:
    """Return whoever is merged into an identity now, over any number of steps."""
    query = sql.select(PATIENT_CHANGES).where(PATIENT_CHANGES.c.kind == PatientChangeKind.MERGE.value)
    found, reached = [], [identity]
    while reached:
        into = reached.pop()
        place = (PATIENT_CHANGES.c.to_authority == into.authority, PATIENT_CHANGES.c.to_identifier == into.identifier)
        stated = dict.fromkeys(rows.change_of(row).from_identity for row in connection.execute(query.where(*place)))
        fresh = [one for one in stated if one not in found and _merged_into(connection, one) == into]
        found += fresh
        reached += fresh
    ends = survivor(identity, lambda one: _merged_into(connection, one))
    return tuple(one for one in found if survivor(one, lambda step: _merged_into(connection, step)) == ends != one)


def one_patient(connection: sql.Connection, identity: PatientIdentity) -> tuple[PatientIdentity, ...]:
    """Return everybody who is one patient with an identity now, the surviving one first."""
    holds = survivor(identity, lambda one: _merged_into(connection, one))
    return (holds, *members(connection, holds))


def _tick(connection: sql.Connection, now: datetime) -> datetime:
    """Return this transaction's recorded time: now, or just after the latest commit where the clock stood or fell."""
    latest = connection.execute(sql.select(CLOCK.c.time)).scalar_one()
    chosen = max(now, datetime.fromisoformat(latest) + _TICK)
    connection.execute(sql.update(CLOCK).values(time=rows.stamp(chosen)))
    return chosen


def _stated(
    connection: sql.Connection, identity: PatientIdentity, when: sql.ColumnElement[bool]
) -> tuple[Statement, ...]:
    query = sql.select(STATEMENTS).where(*_identity(STATEMENTS, identity), when).order_by(STATEMENTS.c.sequence)
    latest = {(row.kind, row.key): row for row in connection.execute(query)}
    return tuple(rows.statement_of(row) for row in latest.values() if row.value is not None)


def _identity(table: sql.Table, identity: PatientIdentity) -> tuple[sql.ColumnElement[bool], ...]:
    return table.c.authority == identity.authority, table.c.identifier == identity.identifier


def _is(resource_type: str, resource_id: str) -> sql.ColumnElement[bool]:
    return sql.and_(RESOURCES.c.resource_type == resource_type, RESOURCES.c.resource_id == resource_id)


def _pointer(version: Version) -> dict[str, Any]:
    identity = version.identity
    return {
        "counted": version.counted,
        "last_updated": version.last_updated,
        "subject": version.subject,
        "authority": identity.authority if identity else None,
        "identifier": identity.identifier if identity else None,
        "needs": version.needs,
    }
