"""Observation -> readings, by the catalogue's table: its own answer, and those of its components."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from shared.codes import loinc
from shared.codes.analytes import NEIGHBOURS
from shared.domain.coding import Coding
from shared.domain.facts import FactName, FactStatus
from shared.fhir.reading.catalogue import CATEGORIES, QUESTIONS, STAGES, Coded, Measured, Question, Staged, YesOrNo
from shared.fhir.reading.elements import codings, day, instant, known, moment, objects, states_no_value
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.quantity import Amount, read_amount, read_range
from shared.fhir.reading.read import Read, Reading, code_of, refuse_modifiers, silent, unused
from shared.fhir.reading.refusal import IssueCode, RefusedElementError

EFFECTIVE = "Observation.effective"

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


@dataclass(frozen=True, slots=True)
class Part:
    """One question with its answer: the Observation itself, or one of its components."""

    element: str
    """FHIRPath of the part."""
    content: JsonObject
    question: Question

    @property
    def value(self) -> str:
        """Return the FHIRPath of its value[x]."""
        return f"{self.element}.value"


@dataclass(frozen=True, slots=True)
class When:
    """What all parts of one Observation share."""

    status: FactStatus
    effective: date
    collected: datetime | None


def read_observation(resource: JsonObject) -> Read:
    """Return the facts this Observation states.

    Raises:
        RefusedElementError: If we know a question and cannot use its answer.
    """
    parts, warning = _asked(resource)
    if not parts:
        return replace(unused("no fact is read from this Observation.code"), warning=warning)
    refuse_modifiers(resource)
    status = STATUSES[code_of(resource, "status", frozenset(STATUSES))]
    if status is None:
        return silent(f"its status is {resource['status']}")
    answered = [part for part in parts if _has_answer(part)]
    if not answered:
        return silent("it states that there is no value")
    text = moment(resource, "effective", EFFECTIVE)
    when = When(status, day(text, EFFECTIVE), instant(text, EFFECTIVE))
    return _read(answered, when, warning)


def _rows(resource: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    yield "Observation", resource
    if "component" in resource:
        for at, row in enumerate(objects(resource["component"])):
            yield f"Observation.component[{at}]", row


def _asked(resource: JsonObject) -> tuple[list[Part], RefusedElementError | None]:
    """Return the questions we know, and why one that looks like ours is none."""
    parts, warning = [], None
    for element, content in _rows(resource):
        asked = known(content.get("code"), QUESTIONS, f"{element}.code")
        neighbour = _neighbour(content.get("code"), f"{element}.code")
        if asked and neighbour:
            raise RefusedElementError(neighbour.element, IssueCode.CONFLICT, f"two codes: {neighbour.reason}")
        if asked:
            parts.append(Part(element, content, asked[1]))
        warning = warning or neighbour
    return parts, warning


def _neighbour(code: Any, element: str) -> RefusedElementError | None:
    for coding in codings(code):
        if coding.system == loinc.SYSTEM and coding.code in NEIGHBOURS:
            return RefusedElementError(element, IssueCode.CODE_INVALID, NEIGHBOURS[coding.code].reason)
    return None


def _has_answer(part: Part) -> bool:
    """Tell whether a part states a value, and not that there is none."""
    if "dataAbsentReason" not in part.content:
        return not states_no_value(part.content.get("valueCodeableConcept"))
    if any(name.startswith("value") for name in part.content):
        raise RefusedElementError(part.value, IssueCode.CONFLICT, "a value and a reason why there is none are stated")
    return False


def _read(parts: list[Part], when: When, warning: RefusedElementError | None) -> Read:
    found: dict[FactName, Reading] = {}
    for part in parts:
        reading = _reading(part, when)
        if reading.name in found:
            raise RefusedElementError(part.element, IssueCode.DUPLICATE, "the same is stated twice in one Observation")
        if isinstance(part.question, Measured) and part.question.in_blood:
            reading, warning = _with_range(reading, part, warning)
        found[reading.name] = reading
    return Read(used=True, readings=tuple(found.values()), warning=warning)


def _reading(part: Part, when: When) -> Reading:
    question = part.question
    if isinstance(question, Measured):
        return _measured(part, question, when)
    coding, name, value = _stated(part, question)
    return Reading(name, value, when.effective, when.status, coding=coding)


def _measured(part: Part, question: Measured, when: When) -> Reading:
    amount = _amount(part, question)
    collected = when.collected if question.in_blood else None
    return Reading(
        question.name, f"{amount.value:f}", when.effective, when.status,
        unit=question.unit, comparator=amount.comparator, collected_time=collected,
    )  # fmt: skip


def _amount(part: Part, question: Measured) -> Amount:
    quantity = part.content.get("valueQuantity")
    if not isinstance(quantity, dict):
        raise _unreadable(part, "a Quantity is needed (value, comparator, unit): text and bare numbers are not read")
    amount = read_amount(quantity, question.unit, part.value)
    if amount.comparator and not question.in_blood:
        reason = "only a bound is stated, not the value: send the value"
        raise RefusedElementError(f"{part.value}.comparator", IssueCode.NOT_SUPPORTED, reason)
    if amount.value < 0 or (amount.value == 0 and amount.comparator == "<"):
        raise RefusedElementError(part.value, IssueCode.VALUE, "impossible: nothing is below 0; send what was measured")
    if amount.value > question.high:
        raise RefusedElementError(part.value, IssueCode.VALUE, question.limits)
    return amount


def _with_range(
    reading: Reading, part: Part, warning: RefusedElementError | None
) -> tuple[Reading, RefusedElementError | None]:
    """Return the reading with its reference range; a range that cannot be read costs nothing but itself."""
    if "referenceRange" not in part.content:
        return reading, warning
    element = f"{part.element}.referenceRange"
    try:
        low, high = read_range(part.content, part.content["valueQuantity"], reading.unit, element)
    except RefusedElementError as error:
        return reading, RefusedElementError(error.element, error.code, f"the range is not kept: {error.reason}")
    return replace(reading, reference_low=low, reference_high=high), warning


def _stated(part: Part, question: Coded | Staged | YesOrNo) -> tuple[Coding | None, FactName, str]:
    if isinstance(question, YesOrNo):
        return _yes_or_no(part, question)
    concept = _concept(part)
    return _category(part, concept, question) if isinstance(question, Staged) else _answer(part, concept, question)


def _yes_or_no(part: Part, question: YesOrNo) -> tuple[Coding | None, FactName, str]:
    answer = part.content.get("valueBoolean")
    if isinstance(answer, bool):
        return None, FactName.ENDOCRINE_THERAPY_RECEIVED, "yes" if answer else "no"
    return _answer(part, _concept(part), question.coded)


def _concept(part: Part) -> JsonObject:
    concept = part.content.get("valueCodeableConcept")
    if not isinstance(concept, dict):
        raise _unreadable(part, "a CodeableConcept is needed")
    return concept


def _unreadable(part: Part, needed: str) -> RefusedElementError:
    stated = any(name.startswith("value") for name in part.content)
    return RefusedElementError(part.value, IssueCode.NOT_SUPPORTED if stated else IssueCode.REQUIRED, needed)


def _answer(part: Part, concept: JsonObject, question: Coded) -> tuple[Coding, FactName, str]:
    found = known(concept, question.answers, part.value)
    if found is None:
        raise RefusedElementError(
            part.value, IssueCode.CODE_INVALID, "not a coded answer we know to this question (text is not read)"
        )
    return found[0], *found[1]


def _category(part: Part, concept: Any, question: Staged) -> tuple[Coding, FactName, str]:
    found = known(concept, CATEGORIES, part.value)
    if found is None:
        raise RefusedElementError(
            part.value,
            IssueCode.CODE_INVALID,
            "not a category we know: T0-T4, N0-N3, M0-M1 without sub-category, TX, NX, Tis",
        )
    coding, (prefix, category) = found
    if not category.startswith(question.letter):
        raise RefusedElementError(part.value, IssueCode.CONFLICT, f"not a category of {question.letter}")
    if prefix and question.prefix and prefix != question.prefix:
        raise RefusedElementError(part.value, IssueCode.CONFLICT, "clinical and pathological contradict each other")
    name = STAGES.get((prefix or question.prefix, question.letter))
    if name is None:
        raise RefusedElementError(part.value, IssueCode.VALUE, "nothing says whether it is clinical or pathological")
    return coding, name, category
