"""Small FHIR R4 resources as an EHR would send them."""

from __future__ import annotations

from typing import Any

from shared.codes import hl7_terminology, loinc, rxnorm, snomed, ucum
from shared.domain.coding import Coding

JsonObject = dict[str, Any]

HOSPITAL_SYSTEM = "http://hospital.example.org"
AJCC_CT2 = snomed.code("1228929004", "American Joint Committee on Cancer cT2")
AJCC_CTX = snomed.code("1222604002", "American Joint Committee on Cancer cTX")
BREAST_CANCER = snomed.code("254837009", "Malignant neoplasm of breast")
ER = loinc.ER_STATUS[1]
HER2 = loinc.HER2_STATUS[0]


def concept(*codings: Coding) -> JsonObject:
    """Return a CodeableConcept."""
    rows = [{"system": row.system, "code": row.code, "display": row.display} for row in codings]
    return {"coding": [{name: value for name, value in row.items() if value} for row in rows]}


def patient(mrn: str = "MRN1", *, found: str = "p1", **elements: Any) -> JsonObject:
    """Return a Patient with one identifier of the hospital."""
    return {
        "resourceType": "Patient",
        "id": found,
        "identifier": [{"system": HOSPITAL_SYSTEM, "value": mrn}],
        "gender": "female",
        "birthDate": "1970-03-04",
        **elements,
    }


def condition(found: str = "c1", code: Coding = BREAST_CANCER, **elements: Any) -> JsonObject:
    """Return a Condition of ``Patient/p1``."""
    return {
        "resourceType": "Condition",
        "id": found,
        "code": concept(code),
        "subject": {"reference": "Patient/p1"},
        **elements,
    }


def observation(found: str, code: Coding, value: Coding | JsonObject | None = None, **elements: Any) -> JsonObject:
    """Return a final Observation of ``Patient/p1``; ``value`` is a coding or a Quantity."""
    stated: JsonObject = {}
    if isinstance(value, Coding):
        stated = {"valueCodeableConcept": concept(value)}
    elif value is not None:
        stated = {"valueQuantity": value}
    return {
        "resourceType": "Observation",
        "id": found,
        "status": "final",
        "code": concept(code),
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-01-10",
        **stated,
        **elements,
    }


def quantity(value: Any, unit: str) -> JsonObject:
    """Return a UCUM Quantity."""
    return {"value": value, "unit": unit, "system": ucum.SYSTEM, "code": unit}


def specimen(found: str, site: Coding) -> JsonObject:
    """Return a Specimen of ``Patient/p1``."""
    return {
        "resourceType": "Specimen",
        "id": found,
        "subject": {"reference": "Patient/p1"},
        "collection": {"bodySite": concept(site)},
    }


def medication_request(found: str, code: str = "56946", **elements: Any) -> JsonObject:
    """Return an active order (paclitaxel unless told) for ``Patient/p1``."""
    return {
        "resourceType": "MedicationRequest",
        "id": found,
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": concept(Coding(rxnorm.SYSTEM, code)),
        "subject": {"reference": "Patient/p1"},
        "authoredOn": "2026-02-01",
        **elements,
    }


def bundle(kind: str, *resources: JsonObject) -> JsonObject:
    """Return a Bundle; transactions and batches say POST."""
    entries: list[JsonObject] = [{"resource": row} for row in resources]
    if kind in ("transaction", "batch"):
        for entry in entries:
            entry["request"] = {"method": "POST", "url": entry["resource"]["resourceType"]}
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def ai_labelled(resource: JsonObject) -> JsonObject:
    """Return the resource labelled as asserted by artificial intelligence."""
    label = hl7_terminology.AI_ASSERTED
    return resource | {"meta": {"security": [{"system": label.system, "code": label.code}]}}
