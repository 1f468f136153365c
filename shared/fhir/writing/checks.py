"""What must hold of a Bundle before it leaves: shape by a library, and what neither it nor the servers refuse.

Medplum's router and google-fhir both accept two ``probability[x]``, and Medplum two ``value[x]``, empty arrays,
dangling ``urn:uuid`` and wrong reference targets; fhir.resources accepts wrong targets and ras-2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from shared.domain.errors import InvalidInputError
from shared.fhir.writing.elements import Json

_CHOICES = re.compile(r"(value|probability|when|occurrence|effective|onset)[A-Z]\w*")
_HIGHEST_PROBABILITY = 100  # ras-2

# FHIR R4 4.0.1, StructureDefinition of each resource.
_TARGETS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "RiskAssessment": {
        "subject": frozenset({"Patient", "Group"}),
        "condition": frozenset({"Condition"}),
        "performer": frozenset({"Practitioner", "PractitionerRole", "Device"}),
    },
    "Observation": {
        "subject": frozenset({"Patient", "Group", "Device", "Location"}),
        "device": frozenset({"Device", "DeviceMetric"}),
        "derivedFrom": frozenset(
            {"DocumentReference", "ImagingStudy", "Media", "QuestionnaireResponse", "Observation", "MolecularSequence"}
        ),
    },
    "DiagnosticReport": {
        "subject": frozenset({"Patient", "Group", "Device", "Location"}),
        "result": frozenset({"Observation"}),
        "imagingStudy": frozenset({"ImagingStudy"}),
    },
    "DocumentReference": {
        "subject": frozenset({"Patient", "Practitioner", "Group", "Device"}),
        "author": frozenset({"Practitioner", "PractitionerRole", "Organization", "Device", "Patient", "RelatedPerson"}),
    },
}


def check_transaction(bundle: Json) -> None:
    """Check the resources and the references between them.

    Raises:
        InvalidInputError: At the first defect; names the element.
    """
    entries = bundle["entry"]
    known = {row["fullUrl"]: row["resource"]["resourceType"] for row in entries}
    for number, row in enumerate(entries):
        resource = row["resource"]
        place = f"Bundle.entry[{number}].resource"
        _check_tree(resource, place)
        _check_references(resource, place, known)
        _check_shape(resource, place)


def _check_shape(resource: Json, place: str) -> None:
    from fhir.resources.R4B import get_fhir_model_class

    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except ValueError as error:
        # The library's text may quote values; the number of findings is enough to know where to look.
        raise InvalidInputError(place, f"not the shape of a {resource['resourceType']}") from error


def _check_tree(value: Any, place: str) -> None:
    if isinstance(value, str | list | dict) and not value:
        raise InvalidInputError(place, "is empty")
    if isinstance(value, list):
        for number, item in enumerate(value):
            _check_tree(item, f"{place}[{number}]")
    if isinstance(value, dict):
        _check_object(value, place)


def _check_object(value: Json, place: str) -> None:
    choices = [match[1] for key in value if (match := _CHOICES.fullmatch(key))]
    if len(set(choices)) != len(choices):
        raise InvalidInputError(place, "states one element in two types")
    probability = value.get("probabilityDecimal", 0)
    if not 0 <= probability <= _HIGHEST_PROBABILITY:
        raise InvalidInputError(place, "states a probability outside 0 to 100 (ras-2)")
    if "dataAbsentReason" in value and "value" in choices:
        raise InvalidInputError(place, "states a value and why there is none (obs-6)")
    for key, item in value.items():
        _check_tree(item, f"{place}.{key}")


def _check_references(resource: Json, place: str, known: Mapping[str, str]) -> None:
    targets = _TARGETS.get(resource["resourceType"], {})
    for element, literal in _literals(resource, ""):
        if literal.startswith("urn:uuid:") and literal not in known:
            raise InvalidInputError(f"{place}.{element}", "refers to nothing in this Bundle")
        kind = known.get(literal) or _kind(literal)
        allowed = targets.get(element.split(".")[0])
        if allowed and kind not in allowed:
            raise InvalidInputError(f"{place}.{element}", f"may not refer to a {kind}")


def _kind(literal: str) -> str:
    """Return the resource type of a relative or absolute reference, versioned or not."""
    parts = literal.split("/_history/", maxsplit=1)[0].split("/")
    return parts[-2] if len(parts) > 1 else literal


def _literals(value: Any, element: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for item in value:
            yield from _literals(item, element)
    elif isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield element, value["reference"]
        for key, item in value.items():
            yield from _literals(item, f"{element}.{key}" if element else key)
