"""What is done about results as a whole: a model recalled, patients merged or told apart, a patient erased."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.domain.identity import PatientIdentity


class PatientChangeKind(StrEnum):
    """What happened to identities."""

    MERGE = "merge"
    """``from_identity`` became part of ``to_identity`` (FHIR ``Patient.link`` replaced-by, HL7 v2 ADT^A40)."""
    UNLINK = "unlink"
    """``from_identity`` is a patient of her own again (HL7 v2 ADT^A37; a link that is gone)."""
    CORRECTION = "correction"
    """Whoever was known as ``from_identity`` has the identifier ``to_identity``: whose the old one is, is open."""


@dataclass(frozen=True, slots=True)
class PatientChange:
    """One change of identities, whichever standard told of it."""

    kind: PatientChangeKind
    from_identity: PatientIdentity
    to_identity: PatientIdentity | None
    message: str
    """Which message said so: ``Patient/id`` and its version, or MSH-10. Never an identifier of a person."""


@dataclass(frozen=True, slots=True)
class Recall:
    """A recalled bundle, and how far its results are taken back."""

    recall_id: str
    bundle_id: str
    version: str
    digest: str
    actor: str
    reason: str
    created_time: datetime
    case_count: int = 0
    """Cases the bundle answered."""
    withdrawn_count: int = 0
    """Cases for which its answer speaks no longer."""
    delivery_count: int = 0
    """Case and sink pairs that hold, or may hold, an answer of the bundle."""
    confirmed_count: int = 0
    """Of these, those that confirmed what took its place."""
    finished_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A bundle the site has accepted: only then may a clinical sink get a result of it."""

    bundle_id: str
    version: str
    digest: str
    """The build that was validated; another build needs an acceptance of its own."""
    report_sha256: str
    """Of the validation report the acceptance rests on."""
    accepted_by: str
    """A person or a board."""
    actor: str
    """Who recorded it."""
    created_time: datetime


@dataclass(frozen=True, slots=True)
class Erasure:
    """A patient erased from the ledger, and how many stored objects are still to go."""

    erasure_id: str
    patient: str
    """HMAC (hex) of the identity: what the audit keeps."""
    case_count: int
    blobs_left: int
    sinks: tuple[str, ...]
    """Sinks that were sent results: what lies there belongs to their owners."""
    finished_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class ObjectErasure:
    """A patient's DICOM objects taken out of the catalogue, and whether their bytes are gone."""

    erasure_id: str
    instance_count: int
    """Every version counted."""
    study_count: int
    """Studies of which nothing is left."""
    quarantined_count: int
    finished_time: datetime | None = None
    uids: tuple[str, ...] = ()
    """UIDs of the patient's studies, series and instances; in the answer that began it only."""
