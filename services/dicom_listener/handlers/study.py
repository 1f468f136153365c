"""From stored instances to the study that results gets: what they state, and where they contradict each other."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from services.dicom_listener.ports.records import InstanceStored, StudyCompleted
from shared.dicom.header import date_of, sex_of, side_of
from shared.domain.identity import Demographics, IdentityMap, PatientIdentity, Side
from shared.domain.study import Completeness, CompletenessEvidence, Instance, Study

# Objects about images rather than images (PS3.3 C.7.3.1.1.1); they need not state a body part or side.
_NOT_IMAGES = frozenset(
    {"SR", "SEG", "PR", "KO", "RTSTRUCT", "RTPLAN", "RTDOSE", "REG", "FID", "ANN", "DOC", "PLAN", "AU"}
)

_PATIENT_ATTRIBUTES: tuple[tuple[str, str, bool], ...] = (
    ("PatientID", "patient_id", True),
    ("IssuerOfPatientID", "issuer", True),
    ("PatientBirthDate", "birth_date", False),
    ("PatientSex", "sex", False),
)
"""Keyword, field, and whether "absent" contradicts "present". An identifier that is missing in one instance leaves it
open whose instance that is; an absent birth date says nothing. Names are never compared."""


def fingerprint_of(instances: Sequence[InstanceStored]) -> str:
    """Return the digest of a set of instances with their contents and identities; order does not matter."""
    rows = sorted((row.sop_instance_uid, row.content_digest, row.identity_digest) for row in instances)
    return hashlib.sha256("\n".join("|".join(row) for row in rows).encode()).hexdigest()


def request_id_of(completion: StudyCompleted) -> str:
    """Return the request id of a submission: the same at every try, another one for every completion.

    The time is part of it because ordinals begin anew when a study comes again after its patient was erased.
    """
    text = f"{completion.study_instance_uid}|{completion.ordinal}|{completion.fingerprint}|{completion.time}"
    return "study-" + hashlib.sha256(text.encode()).hexdigest()[:40]


def study_of(instances: Sequence[InstanceStored], completion: StudyCompleted, identities: IdentityMap) -> Study:
    """Return the study as its instances state it; what they do not agree on is None, never chosen."""
    conflicts = _conflicts(instances)
    return Study(
        study_instance_uid=completion.study_instance_uid,
        identity=None if conflicts else _identity(instances[0], identities),
        demographics=_demographics(instances),
        study_date=date_of(_agreed([row.study_date for row in instances])),
        body_part=_body_part(instances),
        side=_side(instances),
        instances=tuple(_instance(row) for row in instances),
        completeness=Completeness(
            CompletenessEvidence(completion.evidence), completion.detail, datetime.fromisoformat(completion.time)
        ),
        sender=completion.sender,
        conflicts=conflicts,
    )


def holds_images_besides(study: Study, modality: str) -> bool:
    """Tell whether a study has images of another modality than this one."""
    return bool(study.modalities - _NOT_IMAGES - {modality})


def _instance(row: InstanceStored) -> Instance:
    return Instance(
        sop_instance_uid=row.sop_instance_uid,
        sop_class_uid=row.sop_class_uid,
        series_instance_uid=row.series_instance_uid,
        modality=row.modality,
        content_digest=row.content_digest,
        identity_digest=row.identity_digest,
        blob_uri=row.blob_uri,
    )


def _conflicts(instances: Sequence[InstanceStored]) -> tuple[str, ...]:
    found = []
    for keyword, field, absent_counts in _PATIENT_ATTRIBUTES:
        values = {getattr(row, field) for row in instances}
        if len(values if absent_counts else values - {""}) > 1:
            found.append(keyword)
    return tuple(found)


def _identity(row: InstanceStored, identities: IdentityMap) -> PatientIdentity | None:
    return identities.from_dicom(row.patient_id, row.issuer)


def _demographics(instances: Sequence[InstanceStored]) -> Demographics:
    return Demographics(
        birth_date=date_of(_agreed([row.birth_date for row in instances])),
        sex=sex_of(_agreed([row.sex for row in instances])),
    )


def _agreed(values: Sequence[str]) -> str:
    """Return the one value that is stated, or empty where none or several are."""
    stated = {value for value in values if value}
    return stated.pop() if len(stated) == 1 else ""


def _images(instances: Sequence[InstanceStored]) -> list[InstanceStored]:
    return [row for row in instances if row.modality not in _NOT_IMAGES]


def _body_part(instances: Sequence[InstanceStored]) -> str:
    """Return Body Part Examined of the images; several are joined as DICOM joins values, none is preferred."""
    stated = {row.body_part.upper() for row in _images(instances) if row.body_part}
    return "\\".join(sorted(stated))


def _side(instances: Sequence[InstanceStored]) -> Side | None:
    """Return the laterality every single image states alike; one image that is silent leaves it open."""
    stated = {row.laterality for row in _images(instances)}
    return side_of(stated.pop()) if len(stated) == 1 else None
