"""A finding as FHIR transaction: both probabilities, no risk grade, only legal references, repeatable."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.results.deliver.formats.chart import Chart, chart_without_server
from services.results.deliver.formats.fhir_bundle import to_transaction
from services.results.deliver.formats.fhir_retraction import taken_back
from services.results.deliver.formats.style import Style, document_uid, part_uid
from services.results.ledger.findings import Finding
from shared.domain.case import ReviewState
from shared.domain.prediction import IntendedUse
from shared.fhir.reading.own_output import why_not_input
from shared.fhir.writing.elements import encode
from tests.findings import PROBABILITY, Findings, answer
from tests.imaged import Imaged

GOLDEN = Path(__file__).resolve().parents[4] / "data" / "golden"
CHART = Chart(
    {"reference": "Patient/p"},
    {"Observation/er": "Observation/er/_history/1", "Condition/tumour": "Condition/tumour"},
)


def resources(finding: Finding, style: Style, chart: Chart = CHART) -> dict[str, dict[str, Any]]:
    bundle = to_transaction(finding, chart, style)
    assert bundle is not None
    return {entry["resource"]["resourceType"]: entry["resource"] for entry in bundle["entry"]}


@pytest.mark.parametrize("kind", ["prediction", "not_analysed"])
def test_a_rendering_that_changes_needs_a_new_renderer_version(findings: Findings, style: Style, kind: str) -> None:
    """When this fails on purpose: raise ``RENDERER_VERSION``, or changed objects get the identifiers of old ones."""
    bundle = to_transaction(getattr(findings, kind)(), CHART, style)
    assert bundle == json.loads((GOLDEN / f"fhir_{kind}.json").read_text(encoding="utf-8"))


def test_a_repeated_rendering_is_byte_identical(findings: Findings, style: Style) -> None:
    first, second = (encode(resources(findings.prediction(), style)) for _ in range(2))
    assert first == second


def test_both_probabilities_stand_side_by_side(findings: Findings, style: Style) -> None:
    risk = resources(findings.prediction(), style)["RiskAssessment"]
    stated = {row["outcome"]["coding"][0]["code"]: row["probabilityDecimal"] for row in risk["prediction"]}
    assert stated == {"axillary_pcr": PROBABILITY, "residual_nodal_disease": 1.0 - PROBABILITY}
    assert all("her2 = negative" in row["rationale"] for row in risk["prediction"])


def test_a_favourable_event_never_gets_a_risk_grade(findings: Findings, style: Style) -> None:
    assert "qualitativeRisk" not in encode(resources(findings.prediction(), style)).decode()


def test_the_convention_of_the_sink_moves_the_point_and_no_digit(findings: Findings, style: Style) -> None:
    made = resources(findings.prediction(), replace(style, convention="percent"))
    assert made["RiskAssessment"]["prediction"][0]["probabilityDecimal"] == 53.14159265358979
    assert b"0.5314159265358979" in encode(resources(findings.prediction(), style))


@pytest.mark.parametrize("probability", [0.0, 1.0, 0.1, 1 / 3, 1e-7, 0.29, 0.57])
def test_per_cent_has_the_digits_of_the_fraction(findings: Findings, style: Style, probability: float) -> None:
    twin = resources(findings.prediction(probability=probability), style)["Observation"]
    there = Decimal(repr(twin["valueQuantity"]["value"])).scaleb(-2)
    assert abs(there - Decimal(repr(probability))) <= abs(there) * Decimal("1e-15")


def test_the_companion_observation_is_in_per_cent_with_both_components(findings: Findings, style: Style) -> None:
    twin = resources(findings.prediction(), style)["Observation"]
    assert [row["valueQuantity"]["value"] for row in twin["component"]] == pytest.approx([53.14159265, 46.85840735])
    assert {row["valueQuantity"]["code"] for row in twin["component"]} == {"%"}


def test_only_legal_targets_are_referred_to(findings: Findings, style: Style) -> None:
    twin = resources(findings.prediction(), style)["Observation"]
    assert [row["reference"] for row in twin["derivedFrom"]] == ["Observation/er/_history/1"]
    assert twin["focus"] == [{"reference": "Condition/tumour"}]
    assert "performer" not in twin


def test_a_source_that_is_not_in_the_chart_is_named_and_not_linked(findings: Findings, style: Style) -> None:
    basis = resources(findings.prediction(), style)["RiskAssessment"]["basis"]
    assert {"display": "Observation/her2 version 1 (not on this server)"} in basis
    assert basis[0]["reference"] == "Observation/er/_history/1"


def test_everything_is_labelled_and_recognised_as_ours(findings: Findings, style: Style) -> None:
    made = resources(findings.prediction(), style)
    assert all(why_not_input(resource) for resource in made.values())
    codes = {label["code"] for label in made["RiskAssessment"]["meta"]["security"]}
    assert codes == {"AIAST", "HTEST"}


def test_a_clinical_bundle_is_not_labelled_as_test_data(findings: Findings, style: Style) -> None:
    made = resources(findings.prediction(use=IntendedUse.CLINICAL), replace(style, clinical=True))
    assert "HTEST" not in encode(made["Observation"]).decode()
    assert "DEMONSTRATION" not in encode(made["Observation"]).decode()


def test_it_is_preliminary_until_a_person_accepts(findings: Findings, style: Style) -> None:
    accepted = replace(findings.prediction(), review=ReviewState.ACCEPTED)
    before = Chart({"reference": "Patient/p"}, earlier=({"resourceType": "RiskAssessment", "id": "1", "status": "final",
                   "subject": {"reference": "Patient/p"}},))  # fmt: skip
    cases = ((findings.prediction(), CHART), (accepted, CHART))
    assert [resources(f, style, c)["RiskAssessment"]["status"] for f, c in cases] == ["preliminary", "final"]
    bundle = to_transaction(accepted, before, style)
    assert bundle is not None
    assert bundle["entry"][1]["resource"]["status"] == "amended"


def test_every_create_is_conditional(findings: Findings, style: Style) -> None:
    bundle = to_transaction(findings.prediction(), CHART, style)
    assert bundle is not None
    assert all(row["request"]["ifNoneExist"] for row in bundle["entry"])


def test_not_analysed_is_visible_with_its_coded_reason_and_no_number(findings: Findings, style: Style) -> None:
    made = resources(findings.not_analysed(), style)
    risk, twin = made["RiskAssessment"], made["Observation"]
    assert (risk["status"], twin["status"]) == ("cancelled", "preliminary")
    assert "prediction" not in risk
    assert "missing_input" in {row["code"] for row in twin["dataAbsentReason"]["coding"]}
    assert risk["meta"]["tag"][0]["code"] == "missing_input"
    assert any("The HER2 status of the left tumour is missing." in row["text"] for row in risk["note"])
    assert "valueQuantity" not in twin


def test_what_is_taken_back_no_longer_shows_the_old_number(findings: Findings, style: Style) -> None:
    old = resources(findings.prediction(), style)["RiskAssessment"] | {"id": "7"}
    gone = taken_back(old, findings.withdrawal(findings.prediction()))
    assert gone["status"] == "entered-in-error"
    assert "53.1" not in gone["text"]["div"]
    assert "The bundle was recalled." in gone["text"]["div"]


def test_supersession_is_one_transaction_guarded_by_the_version_read(findings: Findings, style: Style) -> None:
    first = findings.prediction()
    old = resources(first, style)["RiskAssessment"] | {"id": "7", "meta": {"versionId": "3"}}
    bundle = to_transaction(findings.later(first), replace(CHART, earlier=(old,)), style)
    assert bundle is not None
    assert bundle["entry"][-1]["request"] == {"method": "PUT", "url": "RiskAssessment/7", "ifMatch": 'W/"3"'}
    assert len(bundle["entry"]) == 5


def test_a_withdrawal_of_what_is_not_there_sends_nothing(findings: Findings, style: Style) -> None:
    assert to_transaction(findings.withdrawal(findings.prediction()), CHART, style) is None


def test_without_a_server_the_patient_is_an_identifier(findings: Findings, style: Style) -> None:
    made = resources(findings.prediction(), style, chart_without_server("urn:hospital", "PAT-0042"))
    assert made["RiskAssessment"]["subject"] == {
        "type": "Patient",
        "identifier": {"system": "urn:hospital", "value": "PAT-0042"},
    }


def test_markup_in_an_input_stays_text(findings: Findings, style: Style) -> None:
    finding = findings.prediction()
    rows = (replace(answer().inputs[0], value="<script>alert(1)</script>"),)
    made = resources(replace(finding, prediction=replace(answer(), inputs=rows)), style)
    assert "<script>" not in made["RiskAssessment"]["text"]["div"]


def test_it_says_where_region_and_report_lie_at_each_archive(findings: Findings, style: Style) -> None:
    at_pacs = replace(style, pictures=("dicom-seg",))
    at_vna = replace(style, clinical=True)
    finding = Imaged(findings.blobs).finding()
    bundle = to_transaction(finding, CHART, replace(style, archives=(("pacs", at_pacs), ("vna", at_vna))))
    assert bundle is not None
    (risk,) = (e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "RiskAssessment")
    named = {row.get("display"): row.get("identifier", {}).get("value") for row in risk["basis"]}
    report = document_uid(finding, at_pacs)
    assert named["structured report at pacs"] == f"urn:oid:{report}"
    assert named["segmentation of the region at pacs"] == f"urn:oid:{part_uid(at_pacs, report, 'dicom-seg')}"
    assert named["structured report at vna"] == f"urn:oid:{document_uid(finding, at_vna)}"
    assert "segmentation of the region at vna" not in named
