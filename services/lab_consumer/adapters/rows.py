"""Domain value <-> what a row holds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row

from services.lab_consumer.ports.outbox import Announcement
from services.lab_consumer.ports.records import Refusal, Statement, StatementKind, Value, Version
from shared.domain.facts import Fact, Tumour
from shared.domain.governance import PatientChange, PatientChangeKind
from shared.domain.identity import Demographics, PatientIdentity
from shared.domain.slide_orders import SlideOrder
from shared.fhir.reading.json_text import canonical, load

_ADAPTERS: dict[StatementKind, TypeAdapter[Any]] = {
    StatementKind.FACT: TypeAdapter(Fact),
    StatementKind.TUMOUR: TypeAdapter(Tumour),
    StatementKind.DEMOGRAPHICS: TypeAdapter(Demographics),
    StatementKind.PATIENT: TypeAdapter(str),
    StatementKind.ORDER: TypeAdapter(SlideOrder),
    StatementKind.PROBLEM: TypeAdapter(str),
}


def stamp(moment: datetime) -> str:
    """Return a time as text that sorts: ISO 8601, UTC, microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def content_text(version: Version) -> str | None:
    """Return the JSON of what is kept of a resource."""
    return None if version.content is None else canonical(dict(version.content))


def value_text(statement: Statement) -> str | None:
    """Return the JSON of a statement's value."""
    if statement.value is None:
        return None
    return _ADAPTERS[statement.kind].dump_json(statement.value).decode()


def version_of(row: Row[Any]) -> Version:
    """Return the version of a joined row of ``resource`` and ``resource_version``."""
    return Version(
        resource_type=row.resource_type,
        resource_id=row.resource_id,
        version=row.version,
        counted=row.counted,
        digest=row.digest,
        last_updated=row.last_updated,
        subject=row.subject,
        identity=PatientIdentity(row.authority, row.identifier) if row.authority else None,
        needs=row.needs,
        content=None if row.content is None else load(row.content),
    )


def statement_of(row: Row[Any]) -> Statement:
    """Return the statement of a row."""
    kind = StatementKind(row.kind)
    value: Value | None = None if row.value is None else _ADAPTERS[kind].validate_json(row.value)
    return Statement(kind, row.key, value)


def latest(found: Iterable[Row[Any]]) -> tuple[Statement, ...]:
    """Return what holds of rows in the order they were written: of each kind and key the last, unless it ended."""
    last = {(row.kind, row.key): row for row in found}
    return tuple(statement_of(row) for row in last.values() if row.value is not None)


def of_identity(identity: PatientIdentity) -> dict[str, str]:
    """Return the parameters of ``prepared`` statements about an identity."""
    return {"of_authority": identity.authority, "of_identifier": identity.identifier}


def pointer_of(version: Version) -> dict[str, Any]:
    """Return the columns of ``resource`` that tell its current version, the version's own row apart."""
    identity = version.identity
    return {
        "counted": version.counted,
        "last_updated": version.last_updated,
        "subject": version.subject,
        "authority": identity.authority if identity else None,
        "identifier": identity.identifier if identity else None,
        "needs": version.needs,
    }


def refusal_of(row: Row[Any]) -> Refusal:
    """Return the refusal of a row."""
    return Refusal(row.source, row.element, row.code, row.reason, datetime.fromisoformat(row.recorded_time))


def change_of(row: Row[Any]) -> PatientChange:
    """Return the change of a row."""
    joined = PatientIdentity(row.to_authority, row.to_identifier) if row.to_identifier else None
    whose = PatientIdentity(row.from_authority, row.from_identifier)
    return PatientChange(PatientChangeKind(row.kind), whose, joined, row.message)


def announcement_of(row: Row[Any]) -> Announcement:
    """Return the announcement of a row."""
    return Announcement(row.sequence, row.request_id, PatientIdentity(row.authority, row.identifier), row.tries)
