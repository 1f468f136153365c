"""What is answered to a message: MSA-1 and ERR-3 by the one table (``shared/domain/refusals.py``)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.lab_consumer.handlers.messages import Flaw
from shared.domain.refusals import ANSWERS, Cause
from shared.hl7.refusal import RefusedMessageError
from shared.hl7.writing.acknowledgment import Acknowledgment, Fault, faults_of

ACCEPTED = "AA"
_FIELDS = (
    ("ServiceRequest.code", 4), ("Observation.code", 3), ("Observation.value.code", 6),
    ("Observation.value.unit", 6), ("Observation.value", 5),
    ("Observation.effective", 14), ("Observation.status", 11), ("Observation.referenceRange", 7),
    ("Observation.method", 17), ("Patient.identifier", 3), ("Patient.birthDate", 7), ("Patient.gender", 8),
)  # fmt: skip
"""FHIRPath of what was refused -> the field it came from, in the segment that became the resource."""

_FHIR = re.compile(r"[A-Z][a-z]+")
"""A FHIRPath begins with the name of a resource, a place in a message with that of a segment."""


def answer_to(flaws: Sequence[Flaw]) -> Acknowledgment:
    """Return the acknowledgment of a message of which this was not taken; the first refusal decides MSA-1."""
    faults = tuple(_fault(flaw) for flaw in sorted(flaws, key=lambda flaw: flaw.warning))
    refused = next((flaw for flaw in flaws if not flaw.warning), None)
    code = ANSWERS[refused.cause].acknowledgment if refused else ACCEPTED
    return Acknowledgment(code, faults_of(faults), faults)


def flaw_of(error: RefusedMessageError) -> Flaw:
    """Return why a whole message was not read."""
    return Flaw(error.element, "", error.cause, ANSWERS[error.cause].fhir, error.reason)


def trouble(cause: Cause, text: str) -> Flaw:
    """Return why nothing can be taken, whatever it says."""
    return Flaw("message", "", cause, ANSWERS[cause].fhir, text)


def _fault(flaw: Flaw) -> Fault:
    severity = "W" if flaw.warning else "E"
    return Fault(_element(flaw), ANSWERS[flaw.cause].hl7_error, flaw.cause.value, flaw.text, severity)


def _element(flaw: Flaw) -> str:
    if not flaw.place or not _FHIR.match(flaw.element):
        return flaw.element
    field = next((number for path, number in _FIELDS if flaw.element.startswith(path)), 0)
    return f"{flaw.place}-{field}" if field else flaw.place
