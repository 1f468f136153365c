"""A slide at a FHIR server: never a RiskAssessment, never a receptor's code."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from services.results.deliver.formats.chart import chart_without_server
from services.results.deliver.formats.fhir_bundle import has_page, to_transaction
from services.results.deliver.formats.form import EVERYTHING, Chosen, Form, choose
from services.results.deliver.formats.style import Style
from services.results.ledger.findings import Finding
from shared.codes import loinc
from shared.domain.case import ReviewState
from shared.domain.errors import PermanentError
from shared.storage.blobs import LocalBlobs
from tests.slide_findings import INTERVAL, PROBABILITY, SCORE, SlideFindings, indeterminate, tumour_count

CHART = chart_without_server("urn:hospital", "PAT-0042")


@pytest.fixture
def slides(blobs: LocalBlobs) -> SlideFindings:
    return SlideFindings(blobs)


def resources(finding: Finding, style: Style, chosen: Chosen = EVERYTHING) -> list[dict[str, Any]]:
    bundle = to_transaction(finding, CHART, style, chosen, b"%PDF")
    assert bundle is not None
    return [entry["resource"] for entry in bundle["entry"]]


def named(rows: list[dict[str, Any]], code: str) -> dict[str, Any]:
    (found,) = (row for row in rows if row.get("code", {}).get("coding", [{}])[0].get("code") == code)
    return found


def statement(*kinds: str, transaction: bool = True) -> dict[str, Any]:
    rows = [{"type": kind, "interaction": [{"code": "create"}]} for kind in kinds]
    system = [{"code": "transaction"}] if transaction else []
    return {
        "resourceType": "CapabilityStatement",
        "rest": [{"mode": "server", "resource": rows, "interaction": system}],
    }


def test_level_score_and_probability_are_observations_of_a_report_with_the_page(
    slides: SlideFindings, style: Style
) -> None:
    rows = resources(slides.prediction(), style)
    kinds = [row["resourceType"] for row in rows]
    assert kinds == ["Device", "Observation", "Observation", "Observation", "DiagnosticReport", "Provenance"]
    assert named(rows, "her2_he_level")["valueCodeableConcept"]["coding"][0]["code"] == "resembles_2_pos"
    score = named(rows, "her2_he_score")
    assert score["valueQuantity"]["value"] == SCORE
    parts = {row["code"]["coding"][0]["code"]: row["valueQuantity"]["value"] for row in score["component"]}
    assert (parts["score_low"], parts["score_high"], parts["tumour_patches"]) == (*INTERVAL, tumour_count())
    assert named(rows, "p_her2_positive")["valueQuantity"]["value"] == pytest.approx(100 * PROBABILITY)
    (report,) = (row for row in rows if row["resourceType"] == "DiagnosticReport")
    assert [row["reference"] for row in report["result"]]
    assert report["presentedForm"][0]["contentType"] == "application/pdf"
    assert report["code"]["coding"][1]["code"] == "60568-3"
    assert "imagingStudy" not in report


@pytest.mark.parametrize(
    "make", [lambda f: f.prediction(), lambda f: f.prediction(indeterminate()), lambda f: f.not_analysed()]
)
def test_no_resource_has_a_receptors_code_or_assesses_a_risk(
    make: Callable[[SlideFindings], Finding], slides: SlideFindings, style: Style
) -> None:
    text = json.dumps(resources(make(slides), style))
    assert "RiskAssessment" not in text
    assert not any(row.code in text for row in (*loinc.HER2_STATUS, *loinc.HER2_ISH))
    assert "AIAST" in text
    assert "HTEST" in text


def test_every_observation_names_glass_method_and_device(slides: SlideFindings, style: Style) -> None:
    rows = [row for row in resources(slides.prediction(), style) if row["resourceType"] == "Observation"]
    assert {row["specimen"]["identifier"]["value"] for row in rows} == {"A2-3"}
    assert {row["method"]["coding"][0]["display"] for row in rows} == {"AI on H&E"}
    assert all(row["device"]["reference"] for row in rows)
    assert {row["status"] for row in rows} == {"preliminary"}


def test_a_person_who_accepts_makes_it_final(slides: SlideFindings, style: Style) -> None:
    rows = resources(replace(slides.prediction(), review=ReviewState.ACCEPTED), style)
    assert {row["status"] for row in rows if row["resourceType"] in {"Observation", "DiagnosticReport"}} == {"final"}


def test_an_indeterminate_answer_has_no_level(slides: SlideFindings, style: Style) -> None:
    rows = resources(slides.prediction(indeterminate()), style)
    assert named(rows, "her2_he_level")["valueCodeableConcept"]["coding"][0]["code"] == "indeterminate"


def test_what_could_not_be_analysed_has_its_reason_and_no_value(slides: SlideFindings, style: Style) -> None:
    rows = resources(slides.not_analysed(), style)
    (seen,) = (row for row in rows if row["resourceType"] == "Observation")
    assert [row["code"] for row in seen["dataAbsentReason"]["coding"]] == ["not-performed", "resol_unknown"]
    assert not any(key.startswith("value") for key in seen)


@pytest.mark.parametrize(
    ("server", "form"),
    [
        (statement("RiskAssessment", "Observation", "DiagnosticReport"), Form.REPORT),
        (statement("RiskAssessment", "Observation", "DocumentReference"), Form.DOCUMENT),
        (statement("DocumentReference", transaction=False), Form.DOCUMENT),
        ({}, Form.REPORT),
    ],
)
def test_the_form_is_the_best_that_is_no_risk(
    server: dict[str, Any], form: Form, slides: SlideFindings, style: Style
) -> None:
    chosen = choose(server)
    assert has_page(slides.prediction(), chosen)
    assert form.value in {row["resourceType"] for row in resources(slides.prediction(), style, chosen)}


def test_a_server_that_takes_risks_only_gets_nothing_about_a_slide(slides: SlideFindings, style: Style) -> None:
    with pytest.raises(PermanentError, match="no RiskAssessment"):
        resources(slides.prediction(), style, choose(statement("RiskAssessment", "Observation")))
