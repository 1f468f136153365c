"""Answers as FHIR R4: OperationOutcome, response Bundle, CapabilityStatement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from services.lab_consumer.handlers.answers import Answer, Issue, Severity, informed
from services.lab_consumer.handlers.judge import USED_TYPES
from shared.fhir.reading.refusal import IssueCode

JsonObject = dict[str, Any]

# RFC 9110 reason phrases; Bundle.entry.response.status begins with the three digits (FHIR R4 2.36.4).
_PHRASES = {
    200: "OK",
    201: "Created",
    202: "Accepted",
    400: "Bad Request",
    409: "Conflict",
    413: "Content Too Large",
    422: "Unprocessable Content",
}


def outcome(issues: Iterable[Issue]) -> JsonObject:
    """Return an OperationOutcome."""
    return {"resourceType": "OperationOutcome", "issue": [_issue(issue) for issue in issues]}


def failure(code: IssueCode, text: str) -> JsonObject:
    """Return an OperationOutcome of one error that is about no element."""
    return outcome([Issue(Severity.ERROR, code, "", text)])


def answered(answer: Answer) -> JsonObject:
    """Return the OperationOutcome of one answer."""
    return outcome(answer.issues or (informed("accepted"),))


def response_bundle(answers: Sequence[Answer], *, atomic: bool) -> JsonObject:
    """Return the response to a Bundle, one entry per entry."""
    return {
        "resourceType": "Bundle",
        "type": "transaction-response" if atomic else "batch-response",
        "entry": [{"response": _response(answer)} for answer in answers],
    }


def _response(answer: Answer) -> JsonObject:
    response: JsonObject = {"status": f"{answer.status} {_PHRASES[answer.status]}", "outcome": answered(answer)}
    kept = not answer.refused and "/" in answer.source
    return response | ({"location": answer.source} if kept else {})


def _issue(issue: Issue) -> JsonObject:
    row: JsonObject = {"severity": issue.severity.value, "code": issue.code.value, "diagnostics": issue.text}
    return row | ({"expression": [issue.element]} if issue.element else {})


def capability_statement(version: str, date: str) -> JsonObject:
    """Return what this door does: it takes resources in, and gives none out."""
    interactions = [{"code": "create"}, {"code": "update"}]
    resources = [{"type": name, "interaction": interactions, "updateCreate": True} for name in USED_TYPES]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date,
        "kind": "instance",
        "software": {"name": "OncoRelay lab_consumer", "version": version},
        "implementation": {"description": "Intake of facts about breast cancer patients; nothing can be read back"},
        "fhirVersion": "4.0.1",
        "format": ["json", "application/fhir+ndjson"],
        "rest": [
            {
                "mode": "server",
                "documentation": "Resources keep the id they come with (create too), because facts name their source. "
                "Other resource types are accepted and ignored, and the answer says so.",
                "security": {"description": "Bearer token"},
                "resource": resources,
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }
