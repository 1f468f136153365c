"""From the current resources about one patient to what is known about her. Pure; order of arrival does not matter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from services.lab_consumer.handlers.binding import Tumours, specimen_reference
from services.lab_consumer.handlers.orders import ordered, same_order
from services.lab_consumer.handlers.record import Record
from services.lab_consumer.handlers.submission import UNNAMED
from services.lab_consumer.ports.records import Statement, StatementKind, Version
from shared.domain.facts import Fact, Tumour
from shared.domain.identity import Demographics, IdentityMap, PatientIdentity
from shared.domain.slide_orders import SlideOrder
from shared.fhir.reading.condition import read_condition
from shared.fhir.reading.disease import read_disease
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.observation import read_observation
from shared.fhir.reading.patient import IDENTIFIER, read_patient
from shared.fhir.reading.read import Reading
from shared.fhir.reading.refusal import RefusedElementError
from shared.fhir.reading.therapy import medication_reference, read_therapy

_STRANGER = "the EHR's Patient of this identifier has another birth date or sex: what is said of this one is not used"
_THERAPIES = ("MedicationRequest", "MedicationAdministration", "MedicationStatement", "Procedure")


def project(
    versions: Sequence[Version], identities: IdentityMap, now: datetime, owner: PatientIdentity | None = None
) -> tuple[Statement, ...]:
    """Return everything the resources state; ``now`` is the recorded time of whatever turns out to be new.

    ``owner``: whose record it is; Patients merged into her say who she is only where she does not.
    """
    record = Record({version.source: version for version in versions})
    strangers = _strangers(record, identities)
    if strangers:
        record = Record({key: row for key, row in record.versions.items() if row.subject not in strangers})
    tumours = Tumours({version.source: read_condition(content) for version, content in record.of_type("Condition")})
    statements = [*_patients(record, identities, owner)]
    statements += [Statement(StatementKind.PROBLEM, f"{source} {IDENTIFIER}", _STRANGER) for source in strangers]
    statements += [Statement(StatementKind.TUMOUR, tumour.condition, tumour) for tumour in tumours.standing()]
    for version, content in record.of_type("Condition", "Observation", *_THERAPIES):
        statements += _stated(version, content, record, tumours, now)
    statements += ordered(record, owner, _demographics(statements), now)
    return tuple(statements)


def _demographics(statements: Sequence[Statement]) -> Demographics:
    return next((row.value for row in statements if isinstance(row.value, Demographics)), Demographics())


def _strangers(record: Record, identities: IdentityMap) -> tuple[str, ...]:
    """Return the Patients out of messages that contradict the EHR's Patient of their identity in birth date or sex.

    Whichever came first: a wrong number in a message would make another patient's results hers.
    """
    read = [(version, read_patient(content, identities).demographics) for version, content in record.of_type("Patient")]
    named = [(one.identity, stated) for one, stated in read if not one.resource_id.startswith(UNNAMED)]
    return tuple(
        one.source
        for one, stated in read
        if one.resource_id.startswith(UNNAMED)
        and any(identity == one.identity and word.contradictions(stated) for identity, word in named)
    )


def changes(before: Sequence[Statement], after: Sequence[Statement]) -> tuple[Statement, ...]:
    """Return what is new or different, and what is no longer known; recorded times alone are no difference."""
    old = {(row.kind, row.key): row for row in before}
    new = {(row.kind, row.key): row for row in after}
    gone = [Statement(kind, key, None) for kind, key in old if (kind, key) not in new]
    return (*gone, *(row for place, row in new.items() if place not in old or _differ(old[place], row)))


def _differ(old: Statement, new: Statement) -> bool:
    if isinstance(old.value, Fact) and isinstance(new.value, Fact):
        return replace(old.value, recorded_time=new.value.recorded_time) != new.value
    if isinstance(old.value, SlideOrder) and isinstance(new.value, SlideOrder):
        return not same_order(old.value, new.value)
    return old.value != new.value


def _patients(record: Record, identities: IdentityMap, owner: PatientIdentity | None) -> Iterator[Statement]:
    read = [(version, read_patient(content, identities).demographics) for version, content in record.of_type("Patient")]
    # Her own record first, and of that the EHR's Patient before those that messages made.
    read.sort(key=lambda row: (row[0].identity != owner, row[0].resource_id.startswith(UNNAMED)))
    birth_date = next((row.birth_date for _, row in read if row.birth_date), None)
    sex = next((row.sex for _, row in read if row.sex), None)
    yield Statement(StatementKind.DEMOGRAPHICS, "", Demographics(birth_date, sex))
    named = next((version.source for version, _ in read if not version.resource_id.startswith(UNNAMED)), "")
    if named:
        yield Statement(StatementKind.PATIENT, "", named)


def _stated(
    version: Version, content: JsonObject, record: Record, tumours: Tumours, now: datetime
) -> Iterator[Statement]:
    try:
        for reading in _readings(content, record):
            tumour = _tumour(reading, content, record, tumours)
            yield Statement(StatementKind.FACT, _fact_id(version, reading), _fact(version, reading, tumour, now))
    except RefusedElementError as refusal:
        yield Statement(StatementKind.PROBLEM, f"{version.source} {refusal.element}", refusal.reason)


def _readings(content: JsonObject, record: Record) -> tuple[Reading, ...]:
    if content["resourceType"] == "Observation":
        return read_observation(content).readings
    if content["resourceType"] == "Condition":
        return read_disease(content).readings
    reference = medication_reference(content)
    return read_therapy(content, record.referred(content, reference)).readings


def _tumour(reading: Reading, content: JsonObject, record: Record, tumours: Tumours) -> Tumour | None:
    if content["resourceType"] == "Condition":
        return None
    if content["resourceType"] != "Observation":
        return tumours.of_therapy(content)
    return tumours.of_observation(reading.name, content, record.referred(content, specimen_reference(content)))


def _fact_id(version: Version, reading: Reading) -> str:
    return f"{version.source}#{reading.name.value}"


def _fact(version: Version, reading: Reading, tumour: Tumour | None, now: datetime) -> Fact:
    return Fact(
        fact_id=_fact_id(version, reading),
        name=reading.name,
        value=reading.value,
        unit=reading.unit,
        coding=reading.coding,
        effective_date=reading.effective_date,
        recorded_time=now,
        status=reading.status,
        source=version.source,
        version=version.version,
        tumour=tumour,
        comparator=reading.comparator,
        collected_time=reading.collected_time,
        reference_low=reading.reference_low,
        reference_high=reading.reference_high,
        intent=reading.intent,
        end_date=reading.end_date,
    )
