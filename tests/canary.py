"""A canary patient: words nobody else has in every place that can carry one, and the search for them.

Each word is found in whatever form machinery may have given it: other case, base64, hex, UTF-16, percent signs, and the
plain digests of what can be guessed.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from shared.phantoms.blob import blob_volume
from shared.phantoms.mcode import SimulatedPatient
from shared.phantoms.modules import PatientAttributes, derived_uid
from shared.phantoms.mr_series import StudyAttributes, VolumeGeometry, mr_series
from tests.system import FHIR_SYSTEM, ISSUER

BIRTH_DATE = date(1909, 11, 13)
STUDY_DATE = date(2026, 1, 20)
FACTS_DATE = "2026-01-10"
_SHORTEST = 6


@dataclass
class Canary:
    """One patient. ``words`` holds every word by where it stands."""

    seed: str = field(default_factory=lambda: secrets.token_hex(3).upper())
    words: dict[str, str] = field(default_factory=dict)

    def word(self, place: str) -> str:
        """Return the word of a place (made at the first call): letters nobody types by chance."""
        return self.words.setdefault(place, f"Zq{len(self.words):02d}X{self.seed}{secrets.token_hex(2).upper()}")

    @property
    def identifier(self) -> str:
        return self.word("PatientID")

    @property
    def study_uid(self) -> str:
        return derived_uid(self.identifier)

    def forms(self) -> dict[bytes, str]:
        """Return every byte string to search for, lower-cased where case may change, with the place it betrays."""
        dates = {BIRTH_DATE.strftime(form): "birth date" for form in ("%Y%m%d", "%Y-%m-%d", "%d.%m.%Y")}
        guessable = {self.identifier.encode(): "PatientID", BIRTH_DATE.strftime("%Y%m%d").encode(): "birth date"}
        digests = {
            make(text).hexdigest(): f"unkeyed digest of {place}"
            for text, place in guessable.items()
            for make in (hashlib.md5, hashlib.sha1, hashlib.sha256)
        }
        spelled = {word: place for place, word in self.words.items()} | dates
        found = {form: place for word, place in spelled.items() for form in _forms(word)}
        return found | {digest.encode(): place for digest, place in digests.items()}

    def images(self, *, slices: int = 2, birth_date: date = BIRTH_DATE, seed: str = "") -> tuple[Dataset, ...]:
        """Return a series with a word in every attribute that can carry one."""
        name = "^".join(self.word(f"PatientName {part}") for part in ("family", "given", "middle"))
        patient = PatientAttributes(self.identifier, ISSUER, name, birth_date)
        study = StudyAttributes(
            seed=seed or self.identifier, study_date=STUDY_DATE, accession_number=self.word("Accession")[:16],
            study_id=self.word("StudyID")[:16], description="MR BREAST",
        )  # fmt: skip
        images = mr_series(blob_volume((slices, 32, 32), seed=7), VolumeGeometry(1.0, 1.0, 2.0), patient, study)
        for image in images:
            self._mark(image)
        return images

    def _mark(self, image: Dataset) -> None:
        for keyword in (
            "PatientAddress", "PatientTelephoneNumbers", "PatientMotherBirthName", "OtherPatientNames",
            "PatientComments", "InstitutionName", "InstitutionAddress", "ReferringPhysicianName",
            "PerformingPhysicianName", "OperatorsName", "NameOfPhysiciansReadingStudy", "ImageComments",
            "AdditionalPatientHistory", "Occupation", "EthnicGroup", "AdmissionID", "MedicalRecordLocator",
            "StationName", "DeviceSerialNumber", "ProtocolName", "RequestingPhysician",
        ):  # fmt: skip
            setattr(image, keyword, self.word(keyword)[:16])
        other, request = Dataset(), Dataset()
        other.PatientID, other.IssuerOfPatientID = self.word("OtherPatientIDs"), ISSUER
        request.RequestedProcedureDescription = self.word("RequestedProcedureDescription")
        request.ScheduledProcedureStepID = self.word("ScheduledProcedureStepID")[:16]
        image.OtherPatientIDsSequence = Sequence([other])
        image.RequestAttributesSequence = Sequence([request])
        block = image.private_block(0x0011, f"{self.word('private creator')}", create=True)
        block.add_new(0x01, "LO", self.word("private element"))
        block.add_new(0x02, "UN", f"{self.word('private bytes')} ".encode())

    @property
    def ehr(self) -> SimulatedPatient:
        # Ids of resources are the EHR's; they are references, not words about a person, and stand in URLs (FHIR REST).
        return SimulatedPatient(f"C{self.seed}", FHIR_SYSTEM, BIRTH_DATE.isoformat())

    def facts(self) -> list[dict[str, Any]]:
        """Return the record of the patient with a word in every element that can carry one."""
        rows = [
            self.patient(), self.ehr.condition(), self.ehr.estrogen_receptor("positive", FACTS_DATE),
            self.ehr.clinical_t("T2", FACTS_DATE), self.ehr.clinical_n("N1", FACTS_DATE),
            self.ehr.her2("1+", FACTS_DATE),
        ]  # fmt: skip
        for row in rows[1:]:
            kind = row["resourceType"]
            row["note"] = [{"text": self.word(f"{kind}.note")}]
            row["text"] = _narrative(self.word(f"{kind}.text"))
            row["extension"] = [{"url": "http://hospital.example.org/x", "valueString": self.word(f"{kind}.extension")}]
            row["identifier"] = [
                {"system": "http://hospital.example.org/acc", "value": self.word(f"{kind}.identifier")}
            ]
            row["code"]["text"] = self.word(f"{kind}.code.text")
        return rows

    def patient(self) -> dict[str, Any]:
        """Return the Patient."""
        word = self.word
        return {
            **self.ehr.patient(),
            "identifier": [
                {"system": FHIR_SYSTEM, "value": self.identifier},
                {"system": "http://insurance.example.org", "value": word("Patient.identifier other")},
            ],
            "name": [{
                "family": word("Patient.name.family"), "given": [word("Patient.name.given")],
                "text": word("Patient.name.text"),
            }],
            "telecom": [{"system": "phone", "value": word("Patient.telecom")}],
            "address": [{"line": [word("Patient.address.line")], "city": word("Patient.address.city")}],
            "contact": [{"name": {"family": word("Patient.contact.name")}}],
            "text": _narrative(word("Patient.text")),
            "extension": [{"url": "http://hospital.example.org/x", "valueString": word("Patient.extension")}],
        }  # fmt: skip


def find(forms: dict[bytes, str], haystack: bytes) -> set[str]:
    """Return the places whose word stands in ``haystack``, in any form."""
    lower = haystack.lower()
    return {place for form, place in forms.items() if form in lower or form in haystack}


def _narrative(word: str) -> dict[str, str]:
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{word}</div>'}


def _forms(word: str) -> set[bytes]:
    """Return a word as it may have been spelled; a truncated one counts from its first 12 characters on."""
    raw = word[:12].encode()
    lower = word[:12].lower().encode()
    spelled = {lower, raw.hex().encode(), lower.hex().encode(), "".join(f"%{byte:02x}" for byte in raw).encode()}
    spelled |= {word[:12].lower().encode("utf-16-le"), lower.decode().encode("utf-16-be")}
    for text in (raw, lower, raw.upper()):
        # In base64 a word looks one of three ways, by where it begins; its ends mix with its neighbours.
        spelled |= {base64.b64encode(b"\0" * shift + text)[(4 if shift else 0) : -4] for shift in range(3)}
        spelled |= {base64.b32encode(text)[:-8].lower()}
    return {form for form in spelled if len(form) >= _SHORTEST}
