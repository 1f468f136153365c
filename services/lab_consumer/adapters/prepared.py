"""The store's statements, each built once: building one anew costs more than running it."""

from __future__ import annotations

import sqlalchemy as sql

from services.lab_consumer.adapters.tables import CLOCK, PATIENT_CHANGES, RESOURCES, STATEMENTS, VERSIONS
from shared.domain.governance import PatientChangeKind

_CURRENT = (
    sql.select(RESOURCES, VERSIONS.c.version, VERSIONS.c.digest, VERSIONS.c.content)
    .select_from(RESOURCES.join(VERSIONS, RESOURCES.c.version_sequence == VERSIONS.c.sequence))
    .order_by(RESOURCES.c.resource_type, RESOURCES.c.resource_id)
)
_NAMED = sql.and_(
    RESOURCES.c.resource_type == sql.bindparam("of_type"), RESOURCES.c.resource_id == sql.bindparam("of_id")
)
_FROM = (
    PATIENT_CHANGES.c.from_authority == sql.bindparam("of_authority"),
    PATIENT_CHANGES.c.from_identifier == sql.bindparam("of_identifier"),
)
_INTO = (
    PATIENT_CHANGES.c.to_authority == sql.bindparam("of_authority"),
    PATIENT_CHANGES.c.to_identifier == sql.bindparam("of_identifier"),
)
_WHOSE = (
    STATEMENTS.c.authority == sql.bindparam("of_authority"),
    STATEMENTS.c.identifier == sql.bindparam("of_identifier"),
)

SINCE = (
    sql.select(VERSIONS.c.recorded_time)
    .select_from(RESOURCES.join(VERSIONS, RESOURCES.c.version_sequence == VERSIONS.c.sequence))
    .where(_NAMED)
)
"""of_type, of_id: when the current version came."""
HEAD = _CURRENT.where(_NAMED)
"""of_type, of_id."""
ABOUT_SUBJECTS = _CURRENT.where(RESOURCES.c.subject.in_(sql.bindparam("subjects", expanding=True)))
"""subjects: ``Patient/id``, several."""
_BONES = RESOURCES.c.resource_type.in_(["Patient", "Condition", "Specimen", "ServiceRequest"])
"""What the facts of other resources depend on (Medications are found by their name), and orders for slides."""
BONES_OF_SUBJECTS = ABOUT_SUBJECTS.where(_BONES)
"""subjects."""
OF_IDENTITY = _CURRENT.where(
    RESOURCES.c.authority == sql.bindparam("of_authority"), RESOURCES.c.identifier == sql.bindparam("of_identifier")
)
"""of_authority, of_identifier."""
BONES_OF_IDENTITY = OF_IDENTITY.where(_BONES)
"""of_authority, of_identifier."""
NEEDING = _CURRENT.where(RESOURCES.c.needs == sql.bindparam("reference"))
"""reference."""
PATIENTS_NEEDING = NEEDING.where(RESOURCES.c.resource_type == "Patient")
"""reference."""

ADD_VERSION = sql.insert(VERSIONS).returning(VERSIONS.c.sequence)
ADD_RESOURCE = sql.insert(RESOURCES)
_POINTER = ("version_sequence", "counted", "last_updated", "subject", "authority", "identifier", "needs")
POINT = sql.update(RESOURCES).where(_NAMED).values({name: sql.bindparam(name) for name in _POINTER})
"""of_type, of_id and the columns that tell the current version."""
TOUCH = (
    sql.update(RESOURCES)
    .where(_NAMED)
    .values(counted=sql.bindparam("counted"), last_updated=sql.bindparam("last_updated"))
)
"""of_type, of_id, counted, last_updated."""

STATED = sql.select(STATEMENTS).where(*_WHOSE).order_by(STATEMENTS.c.sequence)
"""of_authority, of_identifier."""
STATED_FROM = STATED.where(STATEMENTS.c.source.in_(sql.bindparam("sources", expanding=True)))
"""of_authority, of_identifier, sources: several."""
STATED_BY = STATED.where(STATEMENTS.c.recorded_time <= sql.bindparam("until"))
"""of_authority, of_identifier, until."""
ADD_STATEMENTS = sql.insert(STATEMENTS)

LATEST_CHANGE = (
    sql.select(PATIENT_CHANGES)
    .where(*_FROM, PATIENT_CHANGES.c.kind != PatientChangeKind.CORRECTION.value)
    .order_by(PATIENT_CHANGES.c.sequence.desc())
    .limit(1)
)
"""of_authority, of_identifier."""
MERGES_INTO = sql.select(PATIENT_CHANGES).where(PATIENT_CHANGES.c.kind == PatientChangeKind.MERGE.value, *_INTO)
"""of_authority, of_identifier."""

LATEST_TIME = sql.select(CLOCK.c.time)
SET_TIME = sql.update(CLOCK).values(time=sql.bindparam("moment"))
"""moment."""
