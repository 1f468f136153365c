"""Rows of the audit as FHIR AuditEvent: by the library here, by the second judge where it is installed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fhir.resources.R4B.auditevent import AuditEvent

from shared.domain.audit import GENESIS, AuditRow, row_hash
from shared.fhir.writing.audit_event import audit_event
from shared.testing.fhir_judges import google_errors

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ACTS = (
    "request.SubmitCase", "request.ClaimAttempt", "view.list", "transition.inference",
    "transition.delivery", "notice", "view.case", "recall",
    "recall.finished", "patient.merge", "erasure", "erasure.finished", "retention", "something.new",
)  # fmt: skip


def row(act: str, number: int = 7, **changes: str) -> AuditRow:
    made = AuditRow(number, NOW, "dr-test", act, "pacs 1", "c" * 32, "a" * 64, '{"reason":"why"}', GENESIS)
    made = replace(made, **changes)  # type: ignore[arg-type]
    return replace(made, hash=row_hash(made))


@pytest.mark.parametrize("act", ACTS)
def test_every_act_is_a_valid_audit_event(act: str) -> None:
    AuditEvent.model_validate(audit_event(row(act), "test-site"))


def test_an_event_says_who_when_what_about_whom_and_its_place_in_the_chain() -> None:
    event = audit_event(row("transition.inference"), "test-site")

    assert event["agent"][0]["who"]["identifier"]["value"] == "dr-test"
    assert (event["recorded"], event["source"]["site"]) == (NOW.isoformat(), "test-site")
    chain = {part["type"]: part["valueString"] for part in event["entity"][-1]["detail"]}
    assert chain["hash"] == row("transition.inference").hash
    assert chain["previous"] == GENESIS


@pytest.mark.parametrize("act", ACTS)
def test_nothing_routine_is_a_security_alert(act: str) -> None:
    assert audit_event(row(act), "test-site")["type"]["display"] != "Security Alert"


@pytest.mark.parametrize(
    ("act", "detail", "expected"),
    [
        ("view.case", "{}", ("Patient Record", "R")),
        ("view.list", "{}", ("Query", "E")),
        ("transition.delivery", "{}", ("Export", "R")),
        ("request.SubmitCase", "{}", ("Order Record", "C")),
        ("request.ClaimAttempt", "{}", ("Application Activity", "E")),
        ("retention", "{}", ("Patient Record", "D")),
        ("notice", '{"kind":"dead_letter"}', ("Application Activity", "E")),
        ("notice", '{"kind":"audit_rewritten"}', ("Security Alert", "E")),
    ],
)
def test_an_act_has_the_code_that_fits_it(act: str, detail: str, expected: tuple[str, str]) -> None:
    event = audit_event(row(act, detail=detail), "test-site")
    assert (event["type"]["display"], event["action"]) == expected


def test_a_row_about_nobody_names_nobody() -> None:
    event = audit_event(row("retention", patient=""), "test-site")

    assert "patient" not in json.dumps(event)


@pytest.mark.integration
def test_the_second_judge_finds_no_defect_either(tmp_path: Path) -> None:
    made = {act: json.dumps(audit_event(row(act), "test-site")).encode() for act in ACTS}

    assert google_errors(tmp_path, made) == {}
