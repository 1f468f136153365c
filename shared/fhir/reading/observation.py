"""Observation -> readings, by the catalogue's table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from shared.domain.coding import Coding
from shared.domain.facts import FactName, FactStatus
from shared.fhir.reading.catalogue import CATEGORIES, QUESTIONS, STAGES, Coded, Measured, Question, Staged
from shared.fhir.reading.elements import amount, day, known, moment, states_no_value
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.read import Read, Reading, code_of, refuse_modifiers, silent, unused
from shared.fhir.reading.refusal import IssueCode, RefusedElementError

VALUE = "Observation.value"
"""FHIRPath of Observation.value[x]."""

# http://hl7.org/fhir/observation-status
STATUSES: Mapping[str, FactStatus | None] = {
    "preliminary": FactStatus.PRELIMINARY,
    "final": FactStatus.FINAL,
    "amended": FactStatus.CORRECTED,
    "corrected": FactStatus.CORRECTED,
    "registered": None,
    "cancelled": None,
    "entered-in-error": None,
    "unknown": None,
}


def read_observation(resource: JsonObject) -> Read:
    """Return the fact this Observation states.

    Raises:
        RefusedElementError: If we know the question and cannot use the answer.
    """
    asked = known(resource.get("code"), QUESTIONS, "Observation.code")
    if asked is None:
        return unused("no fact is read from this Observation.code")
    refuse_modifiers(resource)
    status = STATUSES[code_of(resource, "status", frozenset(STATUSES))]
    if status is None:
        return silent(f"its status is {resource['status']}")
    if "dataAbsentReason" in resource or states_no_value(resource.get("valueCodeableConcept")):
        return silent("it states that there is no value")
    effective = day(moment(resource, "effective", "Observation.effective"), "Observation.effective")
    return Read(used=True, readings=(_read(resource, asked[1], effective, status),))


def _read(resource: JsonObject, question: Question, effective: date, status: FactStatus) -> Reading:
    if isinstance(question, Measured):
        return _measured(resource, question, effective, status)
    concept = _concept(resource)
    if isinstance(question, Staged):
        coding, name, value = _category(concept, question)
    else:
        coding, name, value = _answer(concept, question)
    return Reading(name, value, effective, status, coding=coding)


def _measured(resource: JsonObject, question: Measured, effective: date, status: FactStatus) -> Reading:
    quantity = resource.get("valueQuantity")
    if not isinstance(quantity, dict):
        raise _unreadable(resource, "a Quantity is needed")
    value = amount(quantity, question.units, VALUE)
    if not question.low <= value <= question.high:
        raise RefusedElementError(VALUE, IssueCode.VALUE, question.limits)
    return Reading(question.name, f"{value:f}", effective, status, unit=question.unit)


def _concept(resource: JsonObject) -> JsonObject:
    concept = resource.get("valueCodeableConcept")
    if not isinstance(concept, dict):
        raise _unreadable(resource, "a CodeableConcept is needed")
    return concept


def _unreadable(resource: JsonObject, needed: str) -> RefusedElementError:
    stated = any(name.startswith("value") for name in resource)
    return RefusedElementError(VALUE, IssueCode.NOT_SUPPORTED if stated else IssueCode.REQUIRED, needed)


def _answer(concept: JsonObject, question: Coded) -> tuple[Coding, FactName, str]:
    found = known(concept, question.answers, VALUE)
    if found is None:
        raise RefusedElementError(
            VALUE, IssueCode.CODE_INVALID, "not a coded answer we know to this question (text is not read)"
        )
    return found[0], *found[1]


def _category(concept: JsonObject, question: Staged) -> tuple[Coding, FactName, str]:
    found = known(concept, CATEGORIES, VALUE)
    if found is None:
        raise RefusedElementError(
            VALUE,
            IssueCode.CODE_INVALID,
            "not a category we know: T0-T4, N0-N3, M0-M1 without sub-category, TX, NX, Tis",
        )
    coding, (prefix, category) = found
    if not category.startswith(question.letter):
        raise RefusedElementError(VALUE, IssueCode.CONFLICT, f"not a category of {question.letter}")
    if prefix and question.prefix and prefix != question.prefix:
        raise RefusedElementError(VALUE, IssueCode.CONFLICT, "clinical and pathological contradict each other")
    name = STAGES.get((prefix or question.prefix, question.letter))
    if name is None:
        raise RefusedElementError(VALUE, IssueCode.VALUE, "nothing says whether it is clinical or pathological")
    return coding, name, category
