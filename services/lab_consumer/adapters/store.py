"""Facts and resources in SQL: SQLite or PostgreSQL, one contract."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sql

from services.lab_consumer.adapters import panel_values, panels, prepared, rows, slide_orders
from services.lab_consumer.adapters.database import in_turn, looking
from services.lab_consumer.adapters.merged import members, merged_into
from services.lab_consumer.adapters.tables import OUTBOX, PATIENT_CHANGES, REFUSALS
from services.lab_consumer.ports.panels import Measured, Panel
from services.lab_consumer.ports.records import Refusal, Statement, Version
from shared.domain.governance import PatientChange
from shared.domain.identity import PatientIdentity
from shared.domain.merges import survivor
from shared.domain.slide_orders import SlideOrder

_TICK = timedelta(microseconds=1)
_LONGEST = 512
_LONGEST_MESSAGE = 256


class SqlFactStore:
    """The port ``FactStore``; the engine is borrowed."""

    def __init__(self, engine: sql.Engine, now: Callable[[], datetime], new_request_id: Callable[[], str]) -> None:
        self._engine, self._now, self._new_request_id = engine, now, new_request_id
        self._thread = threading.local()

    @contextmanager
    def writing(self) -> Iterator[SqlWriting]:
        """Open one transaction, or a part of the one this thread has open, see the port."""
        around: sql.Connection | None = getattr(self._thread, "around", None)
        if around is not None:
            with around.begin_nested():
                yield SqlWriting(around, self._now, self._new_request_id)
            return
        with in_turn(self._engine) as connection:
            yield SqlWriting(connection, self._now, self._new_request_id)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Open one transaction around several ``writing``, see the port."""
        with in_turn(self._engine) as connection:
            self._thread.around = connection
            try:
                yield
            finally:
                self._thread.around = None

    def known(self, identity: PatientIdentity, as_of: datetime) -> tuple[Statement, ...]:
        """Return what was known at ``as_of``. It waits its turn: no earlier writer can commit afterwards."""
        with in_turn(self._engine) as connection:
            place = rows.of_identity(identity) | {"until": rows.stamp(as_of)}
            return rows.latest(connection.execute(prepared.STATED_BY, place))

    def refusals(self, limit: int) -> tuple[Refusal, ...]:
        """Return refusals, newest first."""
        with looking(self._engine) as connection:
            found = connection.execute(sql.select(REFUSALS).order_by(REFUSALS.c.sequence.desc()).limit(limit))
            return tuple(rows.refusal_of(row) for row in found)


class SqlWriting:
    """The port ``Writing``: one transaction on one connection."""

    def __init__(
        self, connection: sql.Connection, now: Callable[[], datetime], new_request_id: Callable[[], str]
    ) -> None:
        self._connection, self._now, self._new_request_id = connection, now, new_request_id
        self._recorded_time: datetime | None = None
        self._heads: dict[tuple[str, str], Version | None] = {}

    @property
    def now(self) -> datetime:
        """The recorded time of everything written here; a transaction that writes nothing takes none."""
        if self._recorded_time is None:
            self._recorded_time = _tick(self._connection, self._now())
        return self._recorded_time

    def head(self, resource_type: str, resource_id: str) -> Version | None:
        """Return the current version of a resource."""
        place = (resource_type, resource_id)
        if place not in self._heads:
            found = self._current(prepared.HEAD, {"of_type": resource_type, "of_id": resource_id})
            self._heads[place] = next(iter(found), None)
        return self._heads[place]

    def append(self, version: Version) -> None:
        """Add a version and make it the current one."""
        known = self.head(version.resource_type, version.resource_id) is not None
        named = {"resource_type": version.resource_type, "resource_id": version.resource_id}
        kept = {"version": version.version, "digest": version.digest, "content": rows.content_text(version)}
        added = self._connection.execute(prepared.ADD_VERSION, named | kept | {"recorded_time": rows.stamp(self.now)})
        pointer = rows.pointer_of(version) | {"version_sequence": added.scalar_one()}
        if known:
            self._connection.execute(prepared.POINT, pointer | _named(version))
        else:
            self._connection.execute(prepared.ADD_RESOURCE, pointer | named)
        self._heads[version.resource_type, version.resource_id] = version

    def touch(self, version: Version) -> None:
        """Remember ``counted`` and ``last_updated``."""
        values = {"counted": version.counted, "last_updated": version.last_updated}
        self._connection.execute(prepared.TOUCH, values | _named(version))
        self._heads.pop((version.resource_type, version.resource_id), None)

    def owner(self, version: Version) -> PatientIdentity | None:
        """Return whom a version is about."""
        if version.identity or not version.subject or version.resource_type == "Patient":
            return version.identity
        kind, _, found = version.subject.partition("/")
        patient = self.head(kind, found)
        return patient.identity if patient else None

    def owners_needing(self, reference: str) -> tuple[PatientIdentity, ...]:
        """Return whose resources need ``reference``."""
        owners = [self.owner(version) for version in self._current(prepared.NEEDING, {"reference": reference})]
        return tuple(dict.fromkeys(owner for owner in owners if owner))

    def about(self, identity: PatientIdentity, leaves: frozenset[str] | None = None) -> tuple[Version, ...]:
        """Return the current resources about a patient and the Medications they need."""
        if self.surviving(identity) != identity:
            return ()
        whole = leaves is None
        merged = (identity, *members(self._connection, identity))
        direct = prepared.OF_IDENTITY if whole else prepared.BONES_OF_IDENTITY
        own = [row for one in merged for row in self._current(direct, rows.of_identity(one))]
        patients = [version.source for version in own if version.resource_type == "Patient"]
        below = prepared.ABOUT_SUBJECTS if whole else prepared.BONES_OF_SUBJECTS
        theirs = self._current(below, {"subjects": patients}) if patients else ()
        found = {version.source: version for version in (*own, *theirs, *self._leaves(identity, leaves or frozenset()))}
        for reference in sorted({version.needs for version in found.values() if version.needs}):
            kind, _, name = reference.partition("/")
            medicine = self.head(kind, name) if kind == "Medication" else None
            if medicine:
                found[medicine.source] = medicine
        return tuple(version for version in found.values() if version.content is not None)

    def _leaves(self, identity: PatientIdentity, sources: frozenset[str]) -> Iterator[Version]:
        for source in sorted(sources):
            kind, _, name = source.partition("/")
            version = self.head(kind, name)
            owner = self.owner(version) if version else None
            if version and owner and self.surviving(owner) == identity:
                yield version

    def surviving(self, identity: PatientIdentity) -> PatientIdentity:
        """Return the identity that ``identity`` was merged into."""
        return survivor(identity, self.merged_into)

    def merged_into(self, identity: PatientIdentity) -> PatientIdentity | None:
        """Return the identity that ``identity`` was merged into, in one step."""
        return merged_into(self._connection, identity)

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
        return self._current(prepared.PATIENTS_NEEDING, {"reference": reference})

    def stated(self, identity: PatientIdentity, sources: frozenset[str] | None = None) -> tuple[Statement, ...]:
        """Return what is known now, see the port."""
        if sources is not None:
            place = rows.of_identity(identity) | {"sources": sorted(sources)}
            return rows.latest(self._connection.execute(prepared.STATED_FROM, place))
        return rows.latest(self._connection.execute(prepared.STATED, rows.of_identity(identity)))

    def state(self, identity: PatientIdentity, statements: Sequence[Statement]) -> None:
        """Add what is known from now on."""
        added = [
            {
                "authority": identity.authority,
                "identifier": identity.identifier,
                "recorded_time": rows.stamp(self.now),
                "kind": row.kind.value,
                "key": row.key,
                "source": row.source,
                "value": rows.value_text(row),
            }
            for row in statements
        ]
        if added:
            self._connection.execute(prepared.ADD_STATEMENTS, added)

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

    def told(self, version: Version, code: str) -> bool:
        """Tell whether a refusal of this code was recorded since this version came."""
        since = self._connection.execute(prepared.SINCE, _named(version)).scalar() or ""
        mine = sql.and_(REFUSALS.c.source == version.source, REFUSALS.c.code == code)
        query = sql.select(REFUSALS.c.sequence).where(mine, REFUSALS.c.recorded_time > since).limit(1)
        return self._connection.execute(query).first() is not None

    def measure(
        self, identity: PatientIdentity, values: Sequence[Measured], gone: Sequence[str], span: timedelta
    ) -> tuple[Measured, ...]:
        """Replace and remove values; return those around them, see the port."""
        return panel_values.replaced(self._connection, identity, values, gone, span)

    def panels(self, identity: PatientIdentity) -> tuple[Panel, ...]:
        """Return the panels of a patient and of whoever is merged into her."""
        return panels.of(self._connection, (identity, *members(self._connection, identity)))

    def keep_panel(self, panel: Panel, *, submit: bool) -> None:
        """Write a panel; with ``submit`` put it into the outbox."""
        panels.keep(self._connection, panel, self._new_request_id() if submit else "", self.now)

    def hand_over(self, order: SlideOrder, *, only_of: PatientIdentity | None = None) -> None:
        """Put an order, as it is now, into the outbox, see the port."""
        slide_orders.hand_over(self._connection, order, self._new_request_id(), self.now, only_of)

    def _current(self, statement: sql.Select[Any], place: Mapping[str, Any]) -> tuple[Version, ...]:
        return tuple(rows.version_of(row) for row in self._connection.execute(statement, place))


def _tick(connection: sql.Connection, now: datetime) -> datetime:
    """Return this transaction's recorded time: now, or just after the latest commit where the clock stood or fell."""
    latest = connection.execute(prepared.LATEST_TIME).scalar_one()
    chosen = max(now, datetime.fromisoformat(latest) + _TICK)
    connection.execute(prepared.SET_TIME, {"moment": rows.stamp(chosen)})
    return chosen


def _named(version: Version) -> dict[str, str]:
    return {"of_type": version.resource_type, "of_id": version.resource_id}
