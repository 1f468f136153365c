"""One row of the audit chain as FHIR R4 AuditEvent.

Codes: ``type`` of http://terminology.hl7.org/CodeSystem/audit-event-type and of DICOM (DCM, PS3.16 annex D); ``action``
of http://hl7.org/fhir/audit-event-action; ``outcome`` 0 = success (http://hl7.org/fhir/audit-event-outcome); roles of
http://terminology.hl7.org/CodeSystem/object-role. Patients are a keyed HMAC here as in the ledger.
"""

from __future__ import annotations

import json
from typing import Any

from shared.domain.audit import AuditRow

_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_TYPES = {
    "view": ("110110", "Patient Record", "R"),
    "view.list": ("110112", "Query", "E"),
    "request.SubmitCase": ("110109", "Order Record", "C"),
    "request.ReportPrediction": ("110111", "Procedure Record", "C"),
    "request.ReviewCase": ("110111", "Procedure Record", "U"),
    "request.WithdrawCase": ("110111", "Procedure Record", "U"),
    "transition": ("110111", "Procedure Record", "U"),
    "transition.delivery": ("110106", "Export", "R"),
    "patient": ("110110", "Patient Record", "U"),
    "erasure": ("110110", "Patient Record", "D"),
    "retention": ("110110", "Patient Record", "D"),
    "notice.audit_rewritten": ("110113", "Security Alert", "E"),
}
"""Act, or its first part -> code and action; PS3.16 CID 400 "Audit Event ID". Only an attack is a security alert."""
_OTHER = ("110100", "Application Activity", "E")
_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_KIND = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_OURS = "urn:oncorelay:audit"
"""Namespace of our own acts and identifiers."""


def audit_event(row: AuditRow, site_id: str) -> dict[str, Any]:
    """Return the AuditEvent of a row; its id is the row's number, so that an export can be repeated."""
    code, display, action = _coded(row)
    return {
        "resourceType": "AuditEvent",
        "id": f"row-{row.number}",
        "type": {"system": _DCM, "code": code, "display": display},
        "subtype": [{"system": f"{_OURS}:act", "code": row.act}],
        "action": action,
        "recorded": row.time.isoformat(),
        "outcome": "0",
        "agent": [{"who": {"identifier": {"system": f"{_OURS}:actor", "value": row.actor}}, "requestor": True}],
        "source": {"site": site_id, "observer": {"identifier": {"system": f"{_OURS}:observer", "value": "oncorelay"}}},
        "entity": [*_subject(row), *_patient(row), _chain(row)],
    }


def _coded(row: AuditRow) -> tuple[str, str, str]:
    act = row.act
    if act == "notice":
        act = f"notice.{json.loads(row.detail).get('kind', '')}"
    return _TYPES.get(act) or _TYPES.get(act.partition(".")[0], _OTHER)


def _subject(row: AuditRow) -> list[dict[str, Any]]:
    """Return what it was about: an object (audit-entity-type 2), role 4 (domain resource)."""
    return [_entity("subject", row.case_id or row.subject, "2", "4", "Domain Resource", name=row.subject)]


def _patient(row: AuditRow) -> list[dict[str, Any]]:
    """Return whom it was about: a person (1), role 1 (patient)."""
    return [_entity("patient", row.patient, "1", "1", "Patient")] if row.patient else []


def _chain(row: AuditRow) -> dict[str, Any]:
    """Return the row's place in the chain, with everything its hash covers: role 13 (security resource)."""
    details = (("number", str(row.number)), ("detail", row.detail), ("previous", row.previous), ("hash", row.hash))
    entity = _entity("row", str(row.number), "2", "13", "Security Resource")
    return entity | {"detail": [{"type": kind, "valueString": value} for kind, value in details]}


def _entity(kind: str, value: str, code: str, role: str, display: str, name: str = "") -> dict[str, Any]:
    entity: dict[str, Any] = {
        "what": {"identifier": {"system": f"{_OURS}:{kind}", "value": value}},
        "type": {"system": _KIND, "code": code},
        "role": {"system": _ROLE, "code": role, "display": display},
    }
    return entity | ({"name": name} if name else {})
