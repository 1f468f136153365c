"""In which resources a result is written: what the server states decides, silence refuses nothing."""

from __future__ import annotations

from typing import Any

import pytest

from services.results.deliver.formats.form import Form, choose
from shared.domain.errors import PermanentError

EVERYTHING = ("RiskAssessment", "Observation", "DiagnosticReport", "DocumentReference", "Device", "Provenance")


def statement(*kinds: str, interactions: tuple[str, ...] = ("read", "create"), system: str = "transaction") -> Any:
    rows = [{"type": kind, "interaction": [{"code": code} for code in interactions]} for kind in kinds]
    rest = {"mode": "server", "resource": rows, "interaction": [{"code": system}]}
    return {"resourceType": "CapabilityStatement", "rest": [rest]}


@pytest.mark.parametrize(
    ("kinds", "form", "why"),
    [
        (EVERYTHING, Form.RISK_ASSESSMENT, ""),
        (EVERYTHING[1:], Form.REPORT, "the server does not offer to create RiskAssessment"),
        (EVERYTHING[3:], Form.DOCUMENT,
         "the server does not offer to create RiskAssessment or Observation or DiagnosticReport"),
    ],
)  # fmt: skip
def test_the_best_form_the_server_offers_is_taken(kinds: tuple[str, ...], form: Form, why: str) -> None:
    chosen = choose(statement(*kinds))
    assert (chosen.form, chosen.reason) == (form, why)
    assert chosen.device
    assert chosen.provenance


def test_what_belongs_together_is_not_sent_without_transactions() -> None:
    chosen = choose(statement(*EVERYTHING, system="batch"))
    assert (chosen.form, chosen.transaction) == (Form.DOCUMENT, False)
    assert not chosen.device
    assert chosen.sentence == "results are written as DocumentReference (the server offers no transactions)"


def test_reading_alone_is_no_offer_to_create() -> None:
    found = statement(*EVERYTHING)
    found["rest"][0]["resource"][0]["interaction"] = [{"code": "read"}, {"code": "search-type"}]
    chosen = choose(found)
    assert chosen.form is Form.REPORT
    assert "RiskAssessment" in chosen.known


def test_only_what_the_server_knows_is_looked_for() -> None:
    assert choose(statement(*EVERYTHING[1:3])).known == {"Observation", "DiagnosticReport"}


def test_a_server_without_reports_gets_no_report_beside_the_assessment() -> None:
    assert not choose(statement("RiskAssessment", "Observation")).report


SILENT: list[Any] = [
    None, {}, {"resourceType": "CapabilityStatement"}, [], {"rest": 1},
    {"resourceType": "CapabilityStatement", "rest": [{"resource": ["Patient"]}]},
]  # fmt: skip


@pytest.mark.parametrize("silent", SILENT)
def test_silence_refuses_nothing(silent: Any) -> None:
    chosen = choose(silent)
    assert chosen.form is Form.RISK_ASSESSMENT
    assert "states nothing" in chosen.sentence


def test_what_it_takes_as_a_client_does_not_count() -> None:
    found = statement(*EVERYTHING)
    found["rest"].append({"mode": "client", "resource": [], "interaction": []})
    found["rest"][0]["mode"] = "client"
    assert "states nothing" in choose(found).sentence


def test_a_server_that_takes_nothing_of_ours_is_said_so() -> None:
    with pytest.raises(PermanentError, match="none of RiskAssessment, DiagnosticReport and DocumentReference"):
        choose(statement("Patient", "Observation"))
