"""What every simulated DICOM object has: a patient, UIDs derived from a seed, file meta, values as they are written."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.coding import Code
from pydicom.uid import UID

IMPLEMENTATION_UID = UID("1.2.826.0.1.3680043.10.1490.1.1")


@dataclass(frozen=True, slots=True)
class PatientAttributes:
    """Patient module (PS3.3 C.7.1.1); the defaults name nobody."""

    patient_id: str = "PHANTOM-1"
    issuer: str = "PHANTOMS"
    """Issuer of Patient ID; empty: left out."""
    name: str = "Phantom^One"
    birth_date: date | None = date(1965, 1, 2)
    sex: str = "F"


def derived_uid(*parts: object) -> str:
    """Return the UID of these parts below 2.25 (PS3.5 B.2): the same parts, the same UID."""
    text = "|".join(str(part) for part in parts)
    return f"2.25.{int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], 'big')}"


def describe_patient(one: Dataset, patient: PatientAttributes) -> None:
    """Write the Patient module (PS3.3 C.7.1.1)."""
    one.PatientName = patient.name
    one.PatientID = patient.patient_id
    if patient.issuer:
        one.IssuerOfPatientID = patient.issuer
    one.PatientBirthDate = patient.birth_date.strftime("%Y%m%d") if patient.birth_date else ""
    one.PatientSex = patient.sex


def file_meta(one: Dataset, transfer_syntax: UID) -> FileMetaDataset:
    """Return the file meta information of an object (PS3.10 7.1)."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = one.SOPClassUID
    meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID
    meta.TransferSyntaxUID = transfer_syntax
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    return meta


def date_and_time(when: datetime) -> tuple[str, str]:
    """Return DA and TM."""
    return when.strftime("%Y%m%d"), when.strftime("%H%M%S.%f")


def coded(code: Code) -> Dataset:
    """Return one item of a code sequence (PS3.3 8.8)."""
    one = Dataset()
    one.CodeValue, one.CodingSchemeDesignator, one.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return one


def decimals(*values: float) -> list[str]:
    """Write numbers as DS: at most 16 bytes (PS3.5 table 6.2-1)."""
    return [f"{value:.8g}" for value in values]
