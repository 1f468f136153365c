"""Condition -> a disease that a model was not made for, or that it is asked to foresee: present, since when.

- A metastasis of the lung stays known, whatever becomes of it.
- A rheumatic disease counts until it is resolved: remission is not health.
- An infection that is over counts for the days it lasted; one whose end is not dated is over, and nothing more is said.

What is suspected (unconfirmed, provisional, differential) is stated as preliminary.
"""

from __future__ import annotations

from datetime import date

from shared.codes import hl7_terminology, icd10, snomed
from shared.codes.analytes import SITE_SYSTEM
from shared.domain.coding import Coding
from shared.domain.facts import FactName, FactStatus
from shared.fhir.reading.elements import codings, first_day, last_day, objects, profiles
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.read import Read, Reading, refuse_modifiers, silent, unused
from shared.fhir.reading.refusal import IssueCode, RefusedElementError

PRESENT = "present"
ONSET = "Condition.onset"
_SNOMED = {
    FactName.LUNG_METASTASIS: frozenset({snomed.LUNG_METASTASIS.code}),
    FactName.ACTIVE_INFECTION: frozenset(snomed.INFECTIONS),
    FactName.RHEUMATIC_DISEASE: frozenset(snomed.RHEUMATIC_DISEASES),
}
_ICD10 = {
    FactName.LUNG_METASTASIS: icd10.LUNG_METASTASIS,
    FactName.ACTIVE_INFECTION: icd10.INFECTIONS,
    FactName.RHEUMATIC_DISEASE: icd10.RHEUMATIC_DISEASES,
}
DISEASES = tuple(_SNOMED)
"""The facts that Conditions state."""


def read_disease(resource: JsonObject) -> Read:
    """Return whether this Condition is one of ``DISEASES``, and since when.

    Raises:
        RefusedElementError: If it is one, and nothing says since when.
    """
    found = disease_of(resource)
    if found is None:
        return unused("not a disease any question here depends on")
    name, coding = found
    refuse_modifiers(resource)
    verification = _codes(resource, "verificationStatus", hl7_terminology.CONDITION_VERIFICATION)
    if verification & hl7_terminology.NOT_A_CONDITION:
        return silent("entered in error or refuted")
    over = _over(resource, name)
    if over:
        return silent(over)
    status = FactStatus.PRELIMINARY if verification & hl7_terminology.NOT_CONFIRMED else FactStatus.FINAL
    end = _end(resource) if name is FactName.ACTIVE_INFECTION else None
    return Read(used=True, readings=(Reading(name, PRESENT, _onset(resource), status, coding=coding, end_date=end),))


def disease_of(resource: JsonObject) -> tuple[FactName, Coding] | None:
    """Return which of ``DISEASES`` a Condition's code (and, of a secondary cancer, its body site) names."""
    stated = codings(resource.get("code"))
    for coding in stated:
        for name in DISEASES:
            if _is(coding, name):
                return name, coding
    secondary = hl7_terminology.MCODE_SECONDARY_CANCER in profiles(resource)
    for coding in stated:
        if (secondary or coding.same_code(snomed.SECONDARY_CANCER)) and _in_the_lung(resource):
            return FactName.LUNG_METASTASIS, coding
    return None


def _is(coding: Coding, name: FactName) -> bool:
    if coding.system == snomed.SYSTEM:
        return coding.code in _SNOMED[name]
    if coding.system == SITE_SYSTEM:
        return coding.code == name.value
    return icd10.is_among(coding.system, coding.code, _ICD10[name])


def _in_the_lung(resource: JsonObject) -> bool:
    sites = [coding for site in objects(resource.get("bodySite", [])) for coding in codings(site)]
    return any(
        (site.system == snomed.SYSTEM and site.code in snomed.LUNG_SITES)
        or (site.system == icd10.TOPOGRAPHY_SYSTEM and site.code.startswith(icd10.LUNG_TOPOGRAPHY))
        for site in sites
    )


def _codes(resource: JsonObject, name: str, system: str) -> frozenset[str]:
    return frozenset(row.code for row in codings(resource.get(name)) if row.system == system)


def _over(resource: JsonObject, name: FactName) -> str:
    """Return why the disease does not count any more; empty where it does."""
    clinical = _codes(resource, "clinicalStatus", hl7_terminology.CONDITION_CLINICAL)
    if name is FactName.RHEUMATIC_DISEASE and hl7_terminology.RESOLVED in clinical:
        return "it is resolved"
    ended = clinical & hl7_terminology.OVER or any(element.startswith("abatement") for element in resource)
    if name is FactName.ACTIVE_INFECTION and ended and _end(resource) is None:
        return "it is over, and the day on which it ended is not stated"
    return ""


def _onset(resource: JsonObject) -> date:
    period = resource.get("onsetPeriod")
    started = period.get("start") if isinstance(period, dict) else None
    text = resource.get("onsetDateTime") or started or resource.get("recordedDate")
    if not text:
        reason = "since when it is known is needed: send onsetDateTime or recordedDate"
        raise RefusedElementError(ONSET, IssueCode.REQUIRED, reason)
    return first_day(str(text), ONSET)


def _end(resource: JsonObject) -> date | None:
    period = resource.get("abatementPeriod")
    ended = period.get("end") if isinstance(period, dict) else None
    text = resource.get("abatementDateTime") or ended
    try:
        return last_day(str(text), "Condition.abatement") if text else None
    except RefusedElementError:
        return None
