"""Whose result is it: exact identifiers through the site's map, never names (system rule 4a)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Sex(StrEnum):
    """Administrative sex, as DICOM PatientSex and FHIR ``Patient.gender`` both can say it."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


class Side(StrEnum):
    """Side of the body (SNOMED CT 272741003 Laterality)."""

    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class PatientIdentity:
    """An identifier within one assigning authority; equality is exact, character for character."""

    authority: str
    """The site's own name of the assigning authority."""
    identifier: str

    def __post_init__(self) -> None:
        if not self.authority or not self.identifier:
            raise ValueError("a patient identity needs an assigning authority and an identifier")


@dataclass(frozen=True, slots=True)
class Demographics:
    """What both sides of a match must agree on, where both have it."""

    birth_date: date | None = None
    sex: Sex | None = None

    def contradictions(self, other: Demographics) -> tuple[str, ...]:
        """Name the attributes both sides state differently; values are not repeated (they identify a person)."""
        found = []
        if self.birth_date and other.birth_date and self.birth_date != other.birth_date:
            found.append("birth date")
        if self.sex and other.sex and self.sex != other.sex:
            found.append("sex")
        return tuple(found)


@dataclass(frozen=True, slots=True)
class AssigningAuthority:
    """One row of the site's map: how each standard spells the same assigning authority."""

    name: str
    dicom_issuer: str | None = None
    """Issuer of Patient ID (0010,0021) as the modalities send it; empty means "sent without issuer", None "never by
    DICOM"."""
    fhir_system: str = ""
    """``Patient.identifier.system``."""
    hl7_authority: str = ""
    """HL7 v2 PID-3.4."""


@dataclass(frozen=True, slots=True)
class IdentityMap:
    """The site's map between DICOM issuers, FHIR systems and HL7 authorities."""

    authorities: tuple[AssigningAuthority, ...]

    def __post_init__(self) -> None:
        _refuse_duplicates("name", [row.name for row in self.authorities])
        _refuse_duplicates("dicom_issuer", [row.dicom_issuer for row in self.authorities])
        _refuse_duplicates("fhir_system", [row.fhir_system or None for row in self.authorities])

    def from_dicom(self, patient_id: str, issuer: str) -> PatientIdentity | None:
        """Return the identity of (0010,0020) under (0010,0021), or None where the map has no such issuer."""
        return self._find(patient_id, (row for row in self.authorities if row.dicom_issuer == issuer))

    def from_fhir(self, system: str, value: str) -> PatientIdentity | None:
        """Return the identity of ``identifier.system|value``, or None where the map has no such system."""
        return self._find(value, (row for row in self.authorities if row.fhir_system and row.fhir_system == system))

    def authority(self, name: str) -> AssigningAuthority | None:
        """Return the row of this name."""
        return next((row for row in self.authorities if row.name == name), None)

    @staticmethod
    def _find(identifier: str, rows: Iterable[AssigningAuthority]) -> PatientIdentity | None:
        row = next(iter(rows), None)
        return PatientIdentity(row.name, identifier) if row and identifier else None


def _refuse_duplicates(attribute: str, values: Sequence[str | None]) -> None:
    stated = [value for value in values if value is not None]
    if len(set(stated)) != len(stated):
        raise ValueError(f"identity map: two assigning authorities share a {attribute}")
