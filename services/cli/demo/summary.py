"""``summary.json`` of the demonstration: what each case ended as, and what went where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from shared.domain.case import CaseDetail, FindingSummary


def to_rows(details: list[tuple[str, CaseDetail]]) -> list[dict[str, Any]]:
    """Return one row per case: title, predictor, state, prediction, deliveries (sink, kind, location, state)."""
    return [_row(title, detail) for title, detail in details]


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write the rows as JSON."""
    path.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")


def _row(title: str, detail: CaseDetail) -> dict[str, Any]:
    findings = [{"revision": f.revision, "kind": f.kind.value, "currency": f.currency.value} for f in detail.findings]
    return {
        "case": title, "case_id": detail.case.case_id, "study_instance_uid": detail.case.study_instance_uid,
        "predictor": detail.case.predictor, "state": detail.case.state.value, "reason": detail.case.reason,
        "prediction": _prediction(detail.findings), "not_analysed": _not_analysed(detail.findings),
        "findings": findings,
        "deliveries": [
            {"sink": d.sink, "kind": d.kind, "revision": d.revision, "location": d.location, "state": d.state.value}
            for d in detail.deliveries
        ],
    }  # fmt: skip


def _current(findings: tuple[FindingSummary, ...]) -> FindingSummary | None:
    return next((finding for finding in findings if finding.currency == "current"), None)


def _prediction(findings: tuple[FindingSummary, ...]) -> dict[str, Any] | None:
    current = _current(findings)
    answer = current.prediction if current else None
    if answer is None:
        return None
    return {
        "probability": answer.probability, "positive_class": answer.outcome.positive_class,
        "complement_class": answer.outcome.complement_class, "complement_probability": answer.complement,
        "bundle": answer.bundle.bundle_id, "bundle_version": answer.bundle.version,
        "intended_use": answer.bundle.intended_use.value,
        "flags": [flag.code for flag in answer.flags],
        "horizons": [
            {"years": row.years, "probability": row.probability, "interval": row.interval, "refused": row.refused}
            for row in answer.horizons
        ],
        "points": {row.name: row.points for row in answer.points},
    }  # fmt: skip


def _not_analysed(findings: tuple[FindingSummary, ...]) -> dict[str, str] | None:
    current = _current(findings)
    refusal = current.not_analysed if current else None
    return {"reason": refusal.reason.value, "text": refusal.text} if refusal else None
