"""What one resource is to us: something to keep, none of our business, or refused. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.lab_consumer.handlers.submission import Submission, digest, kept
from services.lab_consumer.ports import Version
from shared.codes import hl7_terminology
from shared.domain.identity import IdentityMap, PatientIdentity
from shared.fhir.reading.condition import read_condition
from shared.fhir.reading.elements import codings, profiles
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.observation import read_observation
from shared.fhir.reading.own_output import why_not_input
from shared.fhir.reading.patient import read_links, read_patient
from shared.fhir.reading.read import Read, contained, unused
from shared.fhir.reading.references import localise, subject_of
from shared.fhir.reading.refusal import RefusedElementError
from shared.fhir.reading.shape import check_shape
from shared.fhir.reading.site import read_site
from shared.fhir.reading.therapy import medication_reference, medication_stub, read_therapy


@dataclass(frozen=True, slots=True)
class Judged:
    """A resource that was not refused. ``version`` None: nothing to keep."""

    submission: Submission
    version: Version | None
    note: str = ""
    warning: str = ""
    """Accepted, and a person should look."""
    used: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What reading says before the resource becomes a version."""

    used: bool
    stub: JsonObject | None = None
    """Not used, but that it is there must be known: this is kept, and nothing else of it."""
    note: str = ""
    warning: str = ""
    identity: PatientIdentity | None = None
    needs: str = ""


def judge(submission: Submission, identities: IdentityMap) -> Judged:
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
    resource = localise(submission.resource, submission.names)
    verdict = _read(submission, resource, identities)
    if not verdict.used and verdict.stub is None:
        return Judged(submission, None, verdict.note, used=False)
    version = _version(submission, resource, verdict, identities)
    return Judged(submission, version, verdict.note, verdict.warning, used=verdict.used)


def _read(submission: Submission, resource: JsonObject, identities: IdentityMap) -> Verdict:
    """Read a resource; where it would be used and there is a doubt about it, that is the reason to refuse it."""
    try:
        check_shape(submission.resource or {})
        verdict = _READERS[submission.resource_type](resource, identities)
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


def _patient(resource: JsonObject, identities: IdentityMap) -> Verdict:
    read = read_patient(resource, identities)
    links = read_links(resource)
    needs = next((link.other for link in links if link.merges), "")
    note = "" if not links or needs else "Patient.link of this type joins no records: noted, not followed"
    return Verdict(used=True, note=note, warning=read.unmapped, identity=read.identity, needs=needs)


def _condition(resource: JsonObject, _: IdentityMap) -> Verdict:
    read = read_condition(resource)
    if not read.is_breast_cancer:
        # Facts may point at it: that it is no breast cancer is kept, which disease it is is not.
        note = unused("not a code of primary breast cancer we know").note
        return Verdict(used=False, stub={"resourceType": "Condition"}, note=note)
    return Verdict(used=True, note="" if read.stands else "accepted, no tumour: entered in error or refuted")


def _specimen(resource: JsonObject, _: IdentityMap) -> Verdict:
    site = (resource.get("collection") or {}).get("bodySite")
    if read_site(site, "Specimen.collection.bodySite") is None:
        return _of(unused("it has no coded body site"))
    return Verdict(used=True)


def _medication(resource: JsonObject, _: IdentityMap) -> Verdict:
    if codings(resource.get("code")):
        return Verdict(used=True)
    # Requests may point at it: that it came and has no code is kept.
    return Verdict(used=False, stub={"resourceType": "Medication"}, note=unused("it has no coded medicine").note)


def _observation(resource: JsonObject, _: IdentityMap) -> Verdict:
    return _of(read_observation(resource))


def _therapy(resource: JsonObject, identities: IdentityMap) -> Verdict:
    reference = medication_reference(resource)
    here = contained(resource, reference)
    waits = bool(reference) and here is None
    if waits and not profiles(resource) & hl7_terminology.MCODE_MEDICATIONS:
        # It may turn out to be no therapy at all: what it lacks is no reason to refuse it yet.
        return _waiting(reference)
    read = read_therapy(resource, here)
    if waits:
        return _waiting(reference)
    return _of(read) if read.used else _everyday(resource, read, identities)


def _waiting(reference: str) -> Verdict:
    return Verdict(used=True, note=f"its medicine is read from {reference[:80]}", needs=reference)


def _everyday(resource: JsonObject, read: Read, identities: IdentityMap) -> Verdict:
    """Keep that some medicine was given, and since when; which one is not kept, nor what it was given for."""
    try:
        subject_of(resource, identities)
    except RefusedElementError:
        return _of(read)
    stub = next((medication_stub(resource, reading.effective_date) for reading in read.readings), None)
    return Verdict(used=False, stub=stub, note=read.note)


def _of(read: Read) -> Verdict:
    return Verdict(read.used, note=read.note)


_READERS: Mapping[str, Callable[[JsonObject, IdentityMap], Verdict]] = {
    "Patient": _patient,
    "Condition": _condition,
    "Specimen": _specimen,
    "Observation": _observation,
    "Medication": _medication,
    "MedicationRequest": _therapy,
    "MedicationAdministration": _therapy,
    "MedicationStatement": _therapy,
    "Procedure": _therapy,
}

USED_TYPES = tuple(_READERS)
"""Resource types facts are read from."""
