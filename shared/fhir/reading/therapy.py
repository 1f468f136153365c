"""MedicationRequest, MedicationAdministration, MedicationStatement, Procedure -> FactName.THERAPY.

A medication that cannot be told is not no medication. Three cases:

- Its Medication is not here (yet): it may be anything, chemotherapy included. It is stated as ``unknown_medication``,
  and where it has no usable start it is refused, so that a person sees it.
- Its code stands in no table and no cancer profile marks it: almost always an everyday drug, and a patient has many. It
  is stated as ``unclassified_medication`` with its start, so that it can be counted, and never refused; which drug it
  is is none of our business and is not stated.
- Its code stands in a table, or a cancer profile marks it: a therapy.

A procedure without a known code is none of the three: biopsies and imaging are procedures too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from shared.codes import atc, hl7_terminology, rxnorm, snomed
from shared.domain.coding import Coding
from shared.domain.facts import UNCLASSIFIED_MEDICATION, UNKNOWN_MEDICATION, FactName, FactStatus
from shared.fhir.reading.elements import Key, codings, day, key, known, last_day, moment, objects, profiles
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.read import Read, Reading, code_of, refuse_modifiers, silent, unused
from shared.fhir.reading.refusal import IssueCode, RefusedElementError

MEDICINES: Mapping[Key, str] = {(rxnorm.SYSTEM, code): kind for code, kind in rxnorm.THERAPIES.items()} | {
    (snomed.SYSTEM, code): kind for code, kind in snomed.THERAPY_SUBSTANCES.items()
}
PROCEDURES: Mapping[Key, str] = {(snomed.SYSTEM, code): kind for code, kind in snomed.THERAPY_PROCEDURES.items()}
PROFILES: Mapping[str, str] = {
    hl7_terminology.MCODE_SURGERY: "surgery",
    hl7_terminology.MCODE_RADIOTHERAPY: "radiotherapy",
}
INTENTS: Mapping[Key, str] = {(snomed.SYSTEM, code): intent for code, intent in snomed.INTENTS.items()}
OTHER = "other"
MAX_REFERENCE = 512

_INTENT_EXTENSION = hl7_terminology.MCODE_TREATMENT_INTENT
_STOPPED = frozenset({"active", "on-hold", "stopped", "completed"})
_REQUEST = _STOPPED | {"cancelled", "entered-in-error", "draft", "unknown"}
_ORDERS = frozenset({"order", "original-order", "reflex-order", "filler-order", "instance-order"})
_INTENTS = _ORDERS | {"proposal", "plan", "option"}


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one resource type says that a therapy was given, and since when."""

    statuses: frozenset[str]
    begun: frozenset[str]
    """Statuses in which the therapy has (or may have) begun; stopped therapies had."""
    start_element: str
    start: Callable[[JsonObject], str]
    end: Callable[[JsonObject], str]


def _bounds(resource: JsonObject, end: str) -> list[str]:
    repeats = [(row.get("timing") or {}).get("repeat") or {} for row in objects(resource.get("dosageInstruction", []))]
    return [str((repeat.get("boundsPeriod") or {}).get(end, "")) for repeat in repeats]


def _request_start(resource: JsonObject) -> str:
    # Several instructions are phases of one therapy: it starts with the earliest.
    starts = [start for start in _bounds(resource, "start") if start]
    return min(starts, default=str(resource.get("authoredOn", "")))


def _request_end(resource: JsonObject) -> str:
    # It ends with the latest phase, and only where each of them ends.
    ends = _bounds(resource, "end")
    return max(ends) if ends and all(ends) else ""


def _period_end(stem: str) -> Callable[[JsonObject], str]:
    return lambda resource: str((resource.get(f"{stem}Period") or {}).get("end", ""))


_KINDS: Mapping[str, _Kind] = {
    "MedicationRequest": _Kind(_REQUEST, _STOPPED, "MedicationRequest.authoredOn", _request_start, _request_end),
    "MedicationAdministration": _Kind(
        frozenset({"in-progress", "not-done", "on-hold", "completed", "entered-in-error", "stopped", "unknown"}),
        frozenset({"in-progress", "on-hold", "completed", "stopped"}),
        "MedicationAdministration.effective",
        lambda resource: moment(resource, "effective", "MedicationAdministration.effective"),
        _period_end("effective"),
    ),
    "MedicationStatement": _Kind(
        _STOPPED | {"entered-in-error", "intended", "unknown", "not-taken"},
        _STOPPED,
        "MedicationStatement.effective",
        lambda resource: moment(resource, "effective", "MedicationStatement.effective"),
        _period_end("effective"),
    ),
    "Procedure": _Kind(
        frozenset(
            {"preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "entered-in-error", "unknown"}
        ),
        frozenset({"in-progress", "on-hold", "stopped", "completed"}),
        "Procedure.performed",
        lambda resource: moment(resource, "performed", "Procedure.performed"),
        _period_end("performed"),
    ),
}


def read_therapy(resource: JsonObject, medication: JsonObject | None = None) -> Read:
    """Return the therapy this resource states; ``medication`` is the Medication it refers to, None if it is not here.

    Raises:
        RefusedElementError: If it is (or may be) a therapy and its status or start cannot be used.
    """
    therapy = _therapy(resource, medication)
    if therapy is not None:
        return _stated(resource, *therapy)
    if resource["resourceType"] == "Procedure":
        return unused("not a cancer therapy we know by code or mCODE profile")
    if medication is None and medication_reference(resource):
        return _stated(resource, None, UNKNOWN_MEDICATION)
    return _unclassified(resource)


def _unclassified(resource: JsonObject) -> Read:
    try:
        read = _stated(resource, None, UNCLASSIFIED_MEDICATION)
    except RefusedElementError:
        read = Read(used=False)
    return replace(unused("not a cancer medicine we know by code or mCODE profile"), readings=read.readings)


def _stated(resource: JsonObject, coding: Coding | None, value: str) -> Read:
    kind = _KINDS[resource["resourceType"]]
    refuse_modifiers(resource)
    why_not = _not_given(resource, kind)
    if why_not:
        return silent(why_not)
    start = day(kind.start(resource), kind.start_element)
    end = _last_day(kind.end(resource))
    if end and end < start:
        return silent("it ended before it began")
    status = FactStatus.PRELIMINARY if _only_ordered(resource) else FactStatus.FINAL
    intent = _intent(resource)
    reading = Reading(FactName.THERAPY, value, start, status, coding=coding, intent=intent, end_date=end)
    return Read(used=True, readings=(reading,))


def _only_ordered(resource: JsonObject) -> bool:
    """Tell whether nothing says that the therapy was given: an order that is not fulfilled."""
    return bool(resource["resourceType"] == "MedicationRequest" and resource["status"] != "completed")


def _last_day(text: str) -> date | None:
    try:
        return last_day(text, "") if text else None
    except RefusedElementError:
        return None


def _intent(resource: JsonObject) -> str:
    """Return what the therapy is for, by mCODE's extension or by its reason; empty where several are stated."""
    extensions = [row for row in objects(resource.get("extension", [])) if row.get("url") == _INTENT_EXTENSION]
    concepts = [row.get("valueCodeableConcept") for row in extensions] or list(objects(resource.get("reasonCode", [])))
    stated = {INTENTS[key(coding)] for concept in concepts for coding in codings(concept) if key(coding) in INTENTS}
    return next(iter(stated)) if len(stated) == 1 else ""


def _not_given(resource: JsonObject, kind: _Kind) -> str:
    status = code_of(resource, "status", kind.statuses)
    if status not in kind.begun:
        return f"its status is {status}"
    if resource["resourceType"] == "MedicationRequest" and code_of(resource, "intent", _INTENTS) not in _ORDERS:
        return f"its intent is {resource['intent']}"
    return "it asks not to give the medicine" if resource.get("doNotPerform") is True else ""


def _therapy(resource: JsonObject, medication: JsonObject | None) -> tuple[Coding | None, str] | None:
    if resource["resourceType"] == "Procedure":
        concept, table, element = resource.get("code"), PROCEDURES, "Procedure.code"
        by_profile = next((PROFILES[url] for url in profiles(resource) if url in PROFILES), None)
    else:
        concept, table, element = _medicine(resource, medication), MEDICINES, f"{resource['resourceType']}.medication"
        by_profile = OTHER if profiles(resource) & hl7_terminology.MCODE_MEDICATIONS else None
    found = known(concept, table, element) or _by_group(concept)
    if found or by_profile is None:
        return found
    return next(iter(codings(concept)), None), by_profile


def _by_group(concept: JsonObject | None) -> tuple[Coding, str] | None:
    """Return the class of the first ATC code; ATC groups are coarser than the tables, so the tables come first."""
    for coding in codings(concept):
        value = atc.therapy(coding.code) if coding.system in atc.SYSTEMS else None
        if value:
            return coding, value
    return None


def _medicine(resource: JsonObject, medication: JsonObject | None) -> JsonObject | None:
    concept = resource.get("medicationCodeableConcept") or (medication or {}).get("code")
    return concept if isinstance(concept, dict) else None


def medication_stub(resource: JsonObject, start: date) -> JsonObject:
    """Return the least from which ``read_therapy`` reads an unclassified medication with this start."""
    dated = "authoredOn" if resource["resourceType"] == "MedicationRequest" else "effectiveDateTime"
    kept = {name: resource[name] for name in ("resourceType", "status", "intent") if name in resource}
    return kept | {"medicationCodeableConcept": {}, dated: start.isoformat()}


def medication_reference(resource: JsonObject) -> str:
    """Return the reference of the Medication that names the medicine; empty where a code does.

    Raises:
        RefusedElementError: If there is neither.
    """
    if "medicationCodeableConcept" in resource or resource["resourceType"] == "Procedure":
        return ""
    reference = (resource.get("medicationReference") or {}).get("reference", "")
    if not reference:
        element = f"{resource['resourceType']}.medication"
        raise RefusedElementError(element, IssueCode.REQUIRED, "neither a code nor a reference names the medicine")
    if len(str(reference)) > MAX_REFERENCE:
        raise RefusedElementError(element, IssueCode.TOO_LONG, "longer than a reference can be")
    return str(reference)
