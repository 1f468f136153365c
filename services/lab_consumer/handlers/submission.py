"""One resource on its way in: where it stood, and under which id it is kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from shared.domain.identity import PatientIdentity
from shared.fhir.reading.elements import codings, objects
from shared.fhir.reading.json_text import JsonObject, canonical
from shared.fhir.reading.references import Names
from shared.fhir.reading.refusal import IssueCode, MalformedError, RefusedElementError
from shared.fhir.reading.shape import is_id, is_resource_type

# Ids we give to resources that come without one. The EHR does not know them.
UNNAMED = "unnamed-"

# What says nothing about a fact: server bookkeeping, narrative, free text about people, names and addresses.
_DROPPED = frozenset({"id", "meta", "text", "note", "performer", "asserter", "recorder", "requester"})
_PATIENT = frozenset({"resourceType", "identifier", "birthDate", "gender", "active", "link"})


@dataclass(frozen=True, slots=True)
class Submission:
    """One resource (or a deletion: ``resource`` None) with its place in the request."""

    resource_type: str
    resource_id: str
    resource: JsonObject | None
    names: Names = field(default_factory=Names)
    place: str = ""
    """FHIRPath prefix in the request, for example ``Bundle.entry[3].resource``; empty for a bare resource.
    Of a message: the segment, ``OBX[2]``."""
    doubt: RefusedElementError | None = None
    """Why it must be refused where we would use it: something that could not be mapped from another standard."""
    identity: PatientIdentity | None = None
    """Whom the message that it came in is about, where that names one by itself."""
    taken: RefusedElementError | None = None
    """Why it must be refused where its id is on record for another patient than ``identity``; None: it may move."""

    @property
    def source(self) -> str:
        """Return ``Type/id``."""
        return f"{self.resource_type}/{self.resource_id}" if self.resource_id else self.resource_type


def type_of(resource: Any, element: str = "Resource") -> str:
    """Return the type of a resource.

    Raises:
        MalformedError: If it is no FHIR R4 resource.
    """
    name = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(name, str) or not is_resource_type(name):
        raise MalformedError(f"{element}.resourceType", IssueCode.STRUCTURE, "not a resource of FHIR R4")
    return name


def id_of(resource: JsonObject, offered: str = "") -> str:
    """Return under which id a resource is kept: its own, or one derived from its identifiers, URN or content.

    A resource without id that comes twice with the same identifiers and code is the same resource.
    """
    if "id" in resource:
        return resource["id"] if is_id(resource["id"]) else ""
    rows = [(str(row.get("system")), str(row.get("value"))) for row in objects(resource.get("identifier", []))]
    if rows:
        code = [[coding.system, coding.code] for coding in codings(resource.get("code"))]
        return derived_id([resource["resourceType"], [list(row) for row in sorted(rows)], code])
    return offered or derived_id({name: value for name, value in resource.items() if name not in ("meta", "text")})


def derived_id(value: Any) -> str:
    """Return the id of a resource that comes without one: the same for what says the same of itself."""
    return UNNAMED + hashlib.sha256(canonical(value).encode()).hexdigest()[:32]


def kept(resource: JsonObject) -> JsonObject:
    """Return what is kept of a resource: nothing that names a person beyond the identifiers."""
    if resource["resourceType"] == "Patient":
        return {name: value for name, value in resource.items() if name in _PATIENT}
    rest = {name: value for name, value in resource.items() if name not in _DROPPED}
    meta = resource.get("meta")
    profile = meta.get("profile") if isinstance(meta, dict) else None
    return rest | ({"meta": {"profile": profile}} if profile else {})


def digest(content: JsonObject) -> str:
    """Return the sha256 (hex) of what is kept."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()
