"""A resource of ours as entered in error: wherever a person would read the old number, that it no longer counts."""

from __future__ import annotations

from copy import deepcopy

from services.results.deliver.formats import wording
from services.results.ledger.findings import Finding
from shared.domain.case import FindingKind
from shared.fhir.writing.elements import Json, attachment, narrative, notes

RETRACTED = "entered-in-error"
"""``status`` of what no longer counts (system rule 7)."""
_TEXT = "text/plain; charset=utf-8"


def taken_back(resource: Json, finding: Finding) -> Json:
    """Return ``resource`` as entered in error; ``finding`` is what takes its place, or withdraws it.

    A page with the old number goes: a report is left without it, a document holds the sentence instead.
    """
    reason = _reason(finding)
    retracted = deepcopy(resource)
    retracted["status"] = RETRACTED
    retracted["text"] = narrative("Entered in error", [reason])
    match resource["resourceType"]:
        case "DiagnosticReport":
            retracted["conclusion"] = reason
            retracted.pop("presentedForm", None)
        case "DocumentReference":
            page = attachment(reason.encode(), _TEXT, "Entered in error", finding.created_time)
            retracted |= {"docStatus": RETRACTED, "description": reason, "content": [{"attachment": page}]}
        case _:
            retracted["note"] = [*notes([reason]), *resource.get("note", [])]
    return retracted


def _reason(finding: Finding) -> str:
    if finding.kind is FindingKind.WITHDRAWN:
        return wording.withdrawal(finding)
    return f"Replaced by a later result. Reason: {finding.reason}"
