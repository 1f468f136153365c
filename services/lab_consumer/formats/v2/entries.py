"""A whole ORU^R01 -> what ``Receive`` takes: each Patient, then her Observations."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo

from services.lab_consumer.formats.v2.observation import Doubts, read_observation
from services.lab_consumer.formats.v2.site import MessageSite, doubt
from services.lab_consumer.handlers.submission import UNNAMED, Submission
from shared.domain.refusals import Cause
from shared.fhir.reading.json_text import JsonObject, canonical
from shared.fhir.reading.refusal import IssueCode, RefusedElementError
from shared.hl7.reading.header import Header
from shared.hl7.reading.message import Message, Segment
from shared.hl7.reading.patient import identity_of
from shared.hl7.reading.results import Order, PatientResults, read_results
from shared.hl7.reading.times import read_time, stated_zone
from shared.hl7.refusal import RefusedMessageError

# HL7 table 0001 -> http://hl7.org/fhir/administrative-gender (FHIR R4 concept map v2.0001).
_SEXES: Mapping[str, str] = {
    "F": "female", "M": "male", "O": "other", "A": "other", "N": "other", "U": "unknown", "": "",
}  # fmt: skip
_DAY = 3


def read_entries(message: Message, site: MessageSite) -> tuple[Submission | RefusedElementError, ...]:
    """Return the submissions of a message; a refusal where an observation is none.

    Raises:
        RefusedMessageError: If it reports nothing.
    """
    here = at_home(message, site)
    found = tuple(entry for group in read_results(message) for entry in _entries(group, here))
    if not found:
        raise RefusedMessageError("OBX", Cause.UNREADABLE, "an ORU reports observations, and there is no OBX")
    return tuple(_told_apart(found))


def at_home(message: Message, site: MessageSite) -> MessageSite:
    """Return the site with the zone, the sender and the time of a message."""
    return replace(
        site, zone=_zone(message.header, site.zone), sender=_sender(message.header), sent=_sent(message, site)
    )


def _told_apart(entries: Sequence[Submission | RefusedElementError]) -> Iterator[Submission | RefusedElementError]:
    """Doubt results of one message that have one name and say different things: the last must not hide the others."""
    named: dict[str, list[Submission]] = {}
    for entry in entries:
        if isinstance(entry, Submission):
            named.setdefault(entry.source, []).append(entry)
    for entry in entries:
        yield _doubted(entry, named[entry.source]) if isinstance(entry, Submission) else entry


def _doubted(entry: Submission, twins: Sequence[Submission]) -> Submission:
    other = next((twin for twin in twins if twin.resource != entry.resource), None)
    if other is None:
        return entry
    text = f"the same order number, code and sub-id stand in {other.place} too: the sub-id tells results apart"
    return replace(entry, doubt=entry.doubt or RefusedElementError(f"{entry.place}-4", IssueCode.DUPLICATE, text))


def _entries(group: PatientResults, site: MessageSite) -> Iterator[Submission | RefusedElementError]:
    patient: Submission | RefusedMessageError
    try:
        patient = patient_of(group.patient, site)
    except RefusedMessageError as error:
        patient = error  # told with each of her results that would be used
    rows = [(segment, order) for order in group.orders for segment in order.observations]
    if rows and isinstance(patient, Submission):
        yield patient
    yield from (_observation(segment, order, patient, site) for segment, order in rows)


def _observation(
    segment: Segment, order: Order, patient: Submission | RefusedMessageError, site: MessageSite
) -> Submission | RefusedElementError:
    doubts = Doubts()
    about: JsonObject = {}
    if isinstance(patient, Submission):
        about = {"subject": {"reference": patient.source}}
    else:
        doubts.add(patient)
    try:
        made = read_observation(segment, order, site, doubts) | about | meta_of(site)
    except RefusedMessageError as error:
        return doubt(error)
    return Submission(
        "Observation", made["id"], made, place=segment.place, doubt=doubts.first,
        identity=patient.identity if isinstance(patient, Submission) else None, taken=_taken(order, made),
    )  # fmt: skip


def _taken(order: Order, made: JsonObject) -> RefusedElementError | None:
    """Return why a result may not take the place of another patient's: laboratories use order numbers again."""
    if order.filler_number is None or made["status"] == "corrected":
        return None
    return RefusedElementError(
        order.filler_number.element, IssueCode.DUPLICATE,
        "this order number, code and sub-id are on record for another patient: only a correction (OBX-11 C) moves a "
        "result; another result needs another order number",
    )  # fmt: skip


def patient_of(segment: Segment | None, site: MessageSite) -> Submission:
    """Return the Patient as this message has her.

    Birth date and sex are part of the id: a message that states others makes another Patient, which is refused where
    it contradicts the record, and then its results wait for a Patient that is not there.

    Raises:
        RefusedMessageError: If nothing says who she is.
    """
    if segment is None:
        raise RefusedMessageError("PID", Cause.UNREADABLE, "nothing says whose results these are")
    identity = identity_of(segment.cell(3), site.identities)
    born = read_time(segment.cell(7), site.zone)
    written = segment.cell(8).component(1).text().upper()
    if written not in _SEXES:
        raise RefusedMessageError(segment.cell(8).element, Cause.INVALID_VALUE, "not a sex of HL7 table 0001")
    birth_date = born.moment.date().isoformat() if born and born.parts >= _DAY else ""
    said = [identity.authority, identity.identifier, birth_date, _SEXES[written]]
    stated = {"birthDate": birth_date, "gender": _SEXES[written]}
    found = UNNAMED + hashlib.sha256(canonical(["Patient", *said]).encode()).hexdigest()[:32]
    made: JsonObject = {"resourceType": "Patient", "id": found, "identifier": [site.subject(identity)]}
    made |= {name: value for name, value in stated.items() if value} | meta_of(site)
    return Submission("Patient", found, made, place=segment.place, identity=identity)


def meta_of(site: MessageSite) -> JsonObject:
    """State when the sender wrote it, so that an older message that comes late, or again, changes nothing."""
    return {"meta": {"lastUpdated": site.sent}} if site.sent else {}


def _zone(header: Header, otherwise: tzinfo) -> tzinfo:
    return stated_zone(header.cell(7)) or otherwise


def _sender(header: Header) -> str:
    return canonical([header.cell(number).written for number in (3, 4)])


def _sent(message: Message, site: MessageSite) -> str:
    try:
        stamp = read_time(message.header.cell(7), _zone(message.header, site.zone))
    except RefusedMessageError:
        return ""
    if stamp is None or stamp.parts <= _DAY:
        return ""
    # A sender whose clock is ahead must not outrank its own later corrections.
    return min(stamp.moment, site.now).isoformat(timespec="microseconds")
