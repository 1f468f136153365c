"""What reading one resource gives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from shared.domain.coding import Coding
from shared.domain.facts import FactName, FactStatus
from shared.fhir.reading.elements import objects
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.refusal import IssueCode, RefusedElementError


@dataclass(frozen=True, slots=True)
class Reading:
    """One statement a resource makes; a fact once patient and tumour are known."""

    name: FactName
    value: str
    effective_date: date
    status: FactStatus = FactStatus.FINAL
    unit: str = ""
    coding: Coding | None = None
    comparator: str = ""
    collected_time: datetime | None = None
    reference_low: str = ""
    reference_high: str = ""
    intent: str = ""
    end_date: date | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """What a resource says to us, and what a person should know about it.

    ``used`` False: the resource is none of our business and need not be kept; with readings: no more of it is kept than
    they say. ``used`` True without readings: it is, and says nothing (any more).
    """

    used: bool
    readings: tuple[Reading, ...] = ()
    note: str = ""
    warning: RefusedElementError | None = None
    """Accepted, and a person should see why it is no fact, or what of it is not kept."""


def unused(why: str) -> Read:
    """Return that the resource is accepted and ignored, and why."""
    return Read(used=False, note=f"accepted, not used: {why}")


def silent(why: str) -> Read:
    """Return that the resource is ours and states nothing."""
    return Read(used=True, note=f"accepted, no fact: {why}")


def refuse_modifiers(resource: JsonObject) -> None:
    """Refuse what could turn the meaning around and that we do not know (FHIR R4 2.5.3, 2.4.0).

    Raises:
        RefusedElementError: If there is a modifierExtension or implicitRules.
    """
    kind = resource["resourceType"]
    for name in ("modifierExtension", "implicitRules"):
        if resource.get(name):
            raise RefusedElementError(
                f"{kind}.{name}", IssueCode.NOT_SUPPORTED, "may change the meaning and is not known here"
            )


def code_of(resource: JsonObject, name: str, allowed: frozenset[str]) -> str:
    """Return a required code, checked against its value set.

    Raises:
        RefusedElementError: If it is missing or not in ``allowed``.
    """
    element, value = f"{resource['resourceType']}.{name}", resource.get(name)
    if not isinstance(value, str) or not value:
        raise RefusedElementError(element, IssueCode.REQUIRED, "a required element is missing")
    if value not in allowed:
        raise RefusedElementError(element, IssueCode.CODE_INVALID, "not a code of this element's value set")
    return value


def contained(resource: JsonObject, reference: str) -> JsonObject | None:
    """Return the contained resource of a local reference (``#id``)."""
    rows = objects(resource.get("contained", []))
    return next((row for row in rows if reference.startswith("#") and row.get("id") == reference[1:]), None)
