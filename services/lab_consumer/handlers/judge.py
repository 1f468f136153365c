"""What one resource is to us: something to keep, none of our business, or refused. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.lab_consumer.handlers.binding import specimen_reference
from services.lab_consumer.handlers.submission import Submission, digest, kept
from services.lab_consumer.ports.records import Version
from shared.codes import hl7_terminology
from shared.domain.identity import IdentityMap, PatientIdentity
from shared.fhir.reading.catalogue import IN_BLOOD
from shared.fhir.reading.condition import read_condition
from shared.fhir.reading.disease import DISEASES, ONSET, read_disease
from shared.fhir.reading.elements import codings, objects, profiles
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.observation import EFFECTIVE, read_observation
from shared.fhir.reading.own_output import why_not_input
from shared.fhir.reading.patient import IDENTIFIER, read_links, read_patient
from shared.fhir.reading.read import Read, Reading, contained, unused
from shared.fhir.reading.references import localise, subject_of
from shared.fhir.reading.refusal import IssueCode, RefusedElementError
from shared.fhir.reading.shape import check_shape
from shared.fhir.reading.site import read_site
from shared.fhir.reading.site_codes import NO_SITE_CODES, SiteCodes
from shared.fhir.reading.slide_codes import NO_SLIDE_CODES, SlideCodes
from shared.fhir.reading.slide_request import ORDERED, STANDS, is_slide_order, read_glasses
from shared.fhir.reading.specimen import refuse_other_than_blood, says_its_type
from shared.fhir.reading.therapy import medication_reference, medication_stub, read_therapy

_OF_AN_ORDER = frozenset(
    {
        "resourceType", "status", "intent", "code", "category", "orderDetail", "bodySite", "identifier", "specimen",
        "contained", "subject", "requisition",
    }
)  # fmt: skip
"""What is kept of an order."""
CLOCK_SKEW = timedelta(hours=1)
"""A collection may be so much later than now: clocks differ, and summer time is applied late."""
FURTHEST_ZONE = timedelta(hours=14)
"""The calendar day furthest ahead (UTC+14): a day without a time may be of any zone."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A resource that was not refused. ``version`` None: nothing to keep."""

    submission: Submission
    version: Version | None
    note: str = ""
    warning: RefusedElementError | None = None
    """Accepted, and a person should look."""
    used: bool = True


@dataclass(frozen=True, slots=True)
class OrderRules:
    """Whether orders for slides are taken, and what the site's codes say of them."""

    taken: bool = False
    """False: nobody ingests slides here."""
    codes: SlideCodes = NO_SLIDE_CODES


NO_ORDERS = OrderRules()
"""A site without slides."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What reading depends on beside the resource."""

    identities: IdentityMap
    now: datetime
    site_codes: SiteCodes = NO_SITE_CODES
    orders: OrderRules = NO_ORDERS


@dataclass(frozen=True, slots=True)
class Verdict:
    """What reading says before the resource becomes a version."""

    used: bool
    stub: JsonObject | None = None
    """Not used, but that it is there must be known: this is kept, and nothing else of it."""
    note: str = ""
    warning: RefusedElementError | None = None
    identity: PatientIdentity | None = None
    needs: str = ""


def judge(submission: Submission, reader: Reader) -> Judged:
    """Return what to keep of a submission.

    Raises:
        RefusedElementError: If it has not the shape of its type, or we would use it and cannot.
    """
    if submission.resource is None:
        return Judged(submission, blank(submission), "deleted")
    foreign = why_not_input(submission.resource)
    if foreign:
        return Judged(submission, None, f"not applicable: {foreign}", used=False)
    if submission.resource_type not in _READERS:
        return Judged(
            submission, None, f"accepted, not used: no fact is read from {submission.resource_type}", used=False
        )
    localised = localise(submission.resource, submission.names)
    resource = reader.orders.codes.applied(reader.site_codes.applied(localised))
    verdict = _read(submission, resource, reader)
    if not verdict.used and verdict.stub is None:
        return Judged(submission, None, verdict.note, verdict.warning, used=False)
    version = _version(submission, resource, verdict, reader.identities)
    return Judged(submission, version, verdict.note, verdict.warning, used=verdict.used)


def _read(submission: Submission, resource: JsonObject, reader: Reader) -> Verdict:
    """Read a resource; where it would be used and there is a doubt about it, that is the reason to refuse it."""
    try:
        check_shape(submission.resource or {})
        verdict = _READERS[submission.resource_type](resource, reader)
    except RefusedElementError as error:
        raise submission.doubt or error from None
    if verdict.used and submission.doubt:
        raise submission.doubt
    return verdict


def blank(submission: Submission) -> Version:
    """Return a version that says nothing: deleted, or not readable any more."""
    meta = _meta(submission.resource)
    return Version(
        resource_type=submission.resource_type,
        resource_id=submission.resource_id,
        version=str(meta.get("versionId", "")),
        counted=str(meta.get("versionId", "")),
        digest="",
        last_updated=str(meta.get("lastUpdated", "")),
        subject="",
        identity=None,
        needs="",
        content=None,
    )


def _version(submission: Submission, resource: JsonObject, verdict: Verdict, identities: IdentityMap) -> Version:
    meta = _meta(resource)
    content = kept(resource) if verdict.stub is None else verdict.stub
    subject, identity = _subject(submission, resource, verdict, identities)
    checksum = digest(content)
    return Version(
        resource_type=submission.resource_type,
        resource_id=submission.resource_id,
        version=str(meta.get("versionId") or checksum),
        counted=str(meta.get("versionId", "")),
        digest=checksum,
        last_updated=str(meta.get("lastUpdated", "")),
        subject=subject,
        identity=identity,
        needs=verdict.needs,
        content=content,
    )


def _subject(
    submission: Submission, resource: JsonObject, verdict: Verdict, identities: IdentityMap
) -> tuple[str, PatientIdentity | None]:
    if submission.resource_type == "Patient":
        return submission.source, verdict.identity
    if submission.resource_type == "Medication":
        return "", None
    subject = subject_of(resource, identities)
    return (subject, None) if isinstance(subject, str) else ("", subject)


def _meta(resource: JsonObject | None) -> Mapping[str, Any]:
    meta = (resource or {}).get("meta")
    return meta if isinstance(meta, dict) else {}


def _patient(resource: JsonObject, reader: Reader) -> Verdict:
    read = read_patient(resource, reader.identities)
    links = read_links(resource)
    needs = next((link.other for link in links if link.merges), "")
    note = "" if not links or needs else "Patient.link of this type joins no records: noted, not followed"
    warning = RefusedElementError(IDENTIFIER, IssueCode.NOT_FOUND, read.unmapped) if read.unmapped else None
    return Verdict(used=True, note=note, warning=warning, identity=read.identity, needs=needs)


def _condition(resource: JsonObject, reader: Reader) -> Verdict:
    read = read_condition(resource)
    if read.is_breast_cancer:
        return Verdict(used=True, note="" if read.stands else "accepted, no tumour: entered in error or refuted")
    disease = read_disease(resource)
    if disease.used:
        return _of(disease, reader)
    # Facts may point at it: that it is no breast cancer is kept, which disease it is is not.
    note = unused("neither a code of primary breast cancer nor of another disease a question here depends on").note
    return Verdict(used=False, stub={"resourceType": "Condition"}, note=note)


def _specimen(resource: JsonObject, reader: Reader) -> Verdict:
    site = (resource.get("collection") or {}).get("bodySite")
    of_a_slide = any(name in resource for name in ("accessionIdentifier", "container", "parent"))
    known = read_site(site, "Specimen.collection.bodySite") is not None or says_its_type(resource)
    if not known and not (reader.orders.taken and of_a_slide):
        return Verdict(used=False, note=unused("it has neither a type nor a body site we know by code").note)
    return Verdict(used=True)


def _service_request(resource: JsonObject, reader: Reader) -> Verdict:
    if not is_slide_order(resource) or resource.get("intent") not in ORDERED:
        return Verdict(used=False, note=unused("it orders nothing on a slide").note)
    if resource.get("status") == "draft":
        return Verdict(used=False, note=unused("a draft is no order yet").note)
    if not reader.orders.taken:
        raise RefusedElementError(
            "ServiceRequest", IssueCode.NOT_SUPPORTED,
            "nobody takes slides here ([lab_consumer] slide_ingestion_address is not set): the order would be lost",
        )  # fmt: skip
    stub = {name: value for name, value in resource.items() if name in _OF_AN_ORDER}
    named = [str(row.get("reference", "")) for row in objects(resource.get("specimen", []))]
    if resource.get("status") not in STANDS or all(name.startswith("#") for name in named):
        read_glasses(resource, lambda reference: contained(resource, reference))
    return Verdict(used=True, stub=stub, note="accepted; its slides are told to slide ingestion")


def _medication(resource: JsonObject, _: Reader) -> Verdict:
    if codings(resource.get("code")):
        return Verdict(used=True)
    # Requests may point at it: that it came and has no code is kept.
    return Verdict(used=False, stub={"resourceType": "Medication"}, note=unused("it has no coded medicine").note)


def _observation(resource: JsonObject, reader: Reader) -> Verdict:
    read = read_observation(resource)
    here = contained(resource, specimen_reference(resource)) if "contained" in resource else None
    if here and any(reading.name in IN_BLOOD for reading in read.readings):
        refuse_other_than_blood(here, "Observation.specimen")
    return _of(read, reader)


def _therapy(resource: JsonObject, reader: Reader) -> Verdict:
    reference = medication_reference(resource)
    here = contained(resource, reference)
    waits = bool(reference) and here is None
    if waits and not profiles(resource) & hl7_terminology.MCODE_MEDICATIONS:
        # It may turn out to be no therapy at all: what it lacks is no reason to refuse it yet.
        return _waiting(reference)
    read = read_therapy(resource, here)
    if waits:
        return _waiting(reference)
    if read.used:
        return Verdict(used=True, note=read.note)
    return _everyday(resource, read, reader.identities)


def _waiting(reference: str) -> Verdict:
    return Verdict(used=True, note=f"its medicine is read from {reference[:80]}", needs=reference)


def _everyday(resource: JsonObject, read: Read, identities: IdentityMap) -> Verdict:
    """Keep that some medicine was given, and since when; which one is not kept, nor what it was given for."""
    try:
        subject_of(resource, identities)
    except RefusedElementError:
        return Verdict(used=False, note=read.note)
    stub = next((medication_stub(resource, reading.effective_date) for reading in read.readings), None)
    return Verdict(used=False, stub=stub, note=read.note)


def _of(read: Read, reader: Reader) -> Verdict:
    for reading in read.readings:
        _refuse_future(reading, reader.now)
    return Verdict(read.used, note=read.note, warning=read.warning)


def _refuse_future(reading: Reading, now: datetime) -> None:
    """Refuse what is said to have been observed later than now, by the clock of whoever is furthest ahead."""
    element = ONSET if reading.name in DISEASES else EFFECTIVE
    late = reading.collected_time > now + CLOCK_SKEW if reading.collected_time else False
    if late or reading.effective_date > (now + FURTHEST_ZONE).date():
        raise RefusedElementError(element, IssueCode.VALUE, "it lies in the future: correct the date or the time")


_READERS: Mapping[str, Callable[[JsonObject, Reader], Verdict]] = {
    "Patient": _patient,
    "Condition": _condition,
    "Specimen": _specimen,
    "Observation": _observation,
    "Medication": _medication,
    "MedicationRequest": _therapy,
    "MedicationAdministration": _therapy,
    "MedicationStatement": _therapy,
    "Procedure": _therapy,
    "ServiceRequest": _service_request,
}

USED_TYPES = tuple(_READERS)
"""Resource types that are read."""
FACT_TYPES = tuple(kind for kind in USED_TYPES if kind != "ServiceRequest")
"""Resource types facts are read from."""
