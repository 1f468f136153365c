"""Whose result is it: exact identifiers through the site's map, never names (system rule 4a)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

MAX_IDENTIFIER = 128
"""Characters of an identifier and of an authority's name: twice what DICOM allows for Patient ID (LO, 64; PS3.5 table
6.2-1). FHIR sets no limit; what is longer fits no ledger and is nobody's medical record number."""

# Control characters and surrogates (Unicode general categories) are no part of an identifier: nobody can see them, and
# databases and files refuse some of them.
_NOT_TEXT = frozenset({"Cc", "Cs"})


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
    """1 to 128 characters, none of them a control character."""

    def __post_init__(self) -> None:
        if not self.authority or not self.identifier:
            raise ValueError("a patient identity needs an assigning authority and an identifier")
        if max(len(self.authority), len(self.identifier)) > MAX_IDENTIFIER:
            raise ValueError(f"a patient identity has at most {MAX_IDENTIFIER} characters")
        if not (_is_text(self.authority) and _is_text(self.identifier)):
            raise ValueError("a patient identity has no control characters")


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
    """HL7 v2 PID-3.4: its namespace (HD.1) or its universal id (HD.2)."""


@dataclass(frozen=True, slots=True)
class IdentityMap:
    """The site's map between DICOM issuers, FHIR systems and HL7 authorities."""

    authorities: tuple[AssigningAuthority, ...]

    def __post_init__(self) -> None:
        for row in self.authorities:
            PatientIdentity(row.name, "1")  # refuses at start what would refuse every patient
        _refuse_duplicates("name", [row.name for row in self.authorities])
        _refuse_duplicates("dicom_issuer", [row.dicom_issuer for row in self.authorities])
        _refuse_duplicates("fhir_system", [row.fhir_system or None for row in self.authorities])
        _refuse_duplicates("hl7_authority", [row.hl7_authority or None for row in self.authorities])

    def from_dicom(self, patient_id: str, issuer: str) -> PatientIdentity | None:
        """Return the identity of (0010,0020) under (0010,0021).

        None where the map has no such issuer, or the value cannot be an identifier (see ``PatientIdentity``): the
        identity is unknown, which a person sees; nothing is cut off to make it fit.
        """
        return self._find(patient_id, (row for row in self.authorities if row.dicom_issuer == issuer))

    def from_fhir(self, system: str, value: str) -> PatientIdentity | None:
        """Return the identity of ``identifier.system|value``; None as in ``from_dicom``."""
        return self._find(value, (row for row in self.authorities if row.fhir_system and row.fhir_system == system))

    def from_hl7(self, authority: str, value: str) -> PatientIdentity | None:
        """Return the identity of a CX (HL7 v2 PID-3.1 under PID-3.4); None as in ``from_dicom``."""
        return self._find(
            value, (row for row in self.authorities if row.hl7_authority and row.hl7_authority == authority)
        )

    def authority(self, name: str) -> AssigningAuthority | None:
        """Return the row of this name."""
        return next((row for row in self.authorities if row.name == name), None)

    @staticmethod
    def _find(identifier: str, rows: Iterable[AssigningAuthority]) -> PatientIdentity | None:
        row = next(iter(rows), None)
        usable = 0 < len(identifier) <= MAX_IDENTIFIER and _is_text(identifier)
        return PatientIdentity(row.name, identifier) if row and usable else None


def _is_text(value: str) -> bool:
    return not any(unicodedata.category(character) in _NOT_TEXT for character in value)


def _refuse_duplicates(attribute: str, values: Sequence[str | None]) -> None:
    stated = [value for value in values if value is not None]
    if len(set(stated)) != len(stated):
        raise ValueError(f"identity map: two assigning authorities share a {attribute}")
