"""Patient -> identity by the site's map, and what both sides of a match must agree on. Names are never read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from shared.domain.identity import Demographics, IdentityMap, PatientIdentity, Sex
from shared.fhir.reading.elements import objects
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.refusal import IssueCode, RefusedElementError

# http://hl7.org/fhir/administrative-gender; "unknown" states nothing.
_SEXES = {"female": Sex.FEMALE, "male": Sex.MALE, "other": Sex.OTHER, "unknown": None}
IDENTIFIER = "Patient.identifier"
_MAX_REFERENCE = 512


@dataclass(frozen=True, slots=True)
class PatientRead:
    """What a Patient says to us. ``unmapped`` says why there is no identity."""

    identity: PatientIdentity | None
    demographics: Demographics
    unmapped: str = ""


def read_patient(resource: JsonObject, identities: IdentityMap) -> PatientRead:
    """Return identity, birth date and sex of a Patient.

    Raises:
        RefusedElementError: If gender or birth date is not what FHIR allows.
    """
    found = mapped(resource.get("identifier", []), identities)
    demographics = Demographics(_birth_date(resource), _sex(resource))
    if len(found) == 1:
        return PatientRead(found[0], demographics)
    why = "several identifiers" if found else "no identifier"
    return PatientRead(
        None, demographics, f"{why} under the systems of the site's identity map (exactly one is needed)"
    )


@dataclass(frozen=True, slots=True)
class PatientLink:
    """One ``Patient.link`` (FHIR R4 link-type)."""

    other: str
    """``Patient/id``."""
    kind: str
    """``replaced-by``, ``replaces``, ``refer`` or ``seealso``."""

    @property
    def merges(self) -> bool:
        """Tell whether it joins two records; ``refer`` and ``seealso`` only point."""
        return self.kind in {"replaced-by", "replaces"}


def read_links(resource: JsonObject) -> tuple[PatientLink, ...]:
    """Return the links of a Patient that point at a Patient, in their order."""
    rows = [(row.get("other"), str(row.get("type", ""))) for row in objects(resource.get("link", []))]
    found = [PatientLink(str(other.get("reference", "")), kind) for other, kind in rows if isinstance(other, dict)]
    return tuple(link for link in found if link.other.startswith("Patient/") and len(link.other) <= _MAX_REFERENCE)


def mapped(identifiers: object, identities: IdentityMap) -> tuple[PatientIdentity, ...]:
    """Return the distinct identities among FHIR Identifiers; outdated ones (``use`` old) do not count."""
    found = [
        identities.from_fhir(str(row.get("system", "")), str(row.get("value", "")))
        for row in objects(identifiers)
        if row.get("use") != "old"
    ]
    return tuple(dict.fromkeys(identity for identity in found if identity))


def _birth_date(resource: JsonObject) -> date | None:
    stated = str(resource.get("birthDate", ""))
    if len(stated) != len("YYYY-MM-DD"):
        return None  # a year or a month alone can neither agree nor disagree
    try:
        return date.fromisoformat(stated)
    except ValueError:
        raise RefusedElementError("Patient.birthDate", IssueCode.VALUE, "not a day of the calendar") from None


def _sex(resource: JsonObject) -> Sex | None:
    stated = resource.get("gender", "unknown")
    if stated not in _SEXES:
        raise RefusedElementError("Patient.gender", IssueCode.CODE_INVALID, "not a code of administrative-gender")
    return _SEXES[stated]
