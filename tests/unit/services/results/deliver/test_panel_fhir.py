"""A risk per horizon as FHIR: one prediction and one Observation each, the interval beside it, nothing about images."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from services.results.deliver.formats.chart import Chart
from services.results.deliver.formats.fhir_bundle import in_parts, to_transaction
from services.results.deliver.formats.fhir_retraction import taken_back
from services.results.deliver.formats.form import Chosen, Form
from services.results.deliver.formats.style import Style
from services.results.ledger.findings import Finding
from shared.codes import local
from shared.domain.case import ReviewState
from shared.domain.errors import InvalidInputError
from shared.domain.prediction import HorizonRisk, IntendedUse, NotAnalysedReason
from shared.domain.study import Panel
from shared.fhir.reading.own_output import why_not_input
from shared.fhir.writing.elements import encode
from tests.panels import BOTH, FIVE, ONLY_FIVE, TEN, Panels

GOLDEN = Path(__file__).resolve().parents[4] / "data" / "golden"
PAGE = b"%PDF-1.4 the page"
CHART = Chart(
    {"reference": "Patient/p"},
    {"Observation/hscrp": "Observation/hscrp/_history/1", "Condition/tumour": "Condition/tumour"},
)
ALL = Chosen(Form.RISK_ASSESSMENT)
REPORT = Chosen(Form.REPORT)
DOCUMENT = Chosen(Form.DOCUMENT, device=False, provenance=False, transaction=False)
GOLDENS: dict[str, tuple[Callable[[Panels], Finding], Chosen]] = {
    "panel_prediction": (lambda panels: replace(panels, horizons=ONLY_FIVE).prediction(), ALL),
    "panel_not_analysed": (lambda panels: panels.not_analysed(), ALL),
    "panel_report": (lambda panels: panels.prediction(), REPORT),
    "panel_document": (lambda panels: panels.prediction(), DOCUMENT),
}


def resources(finding: Finding, style: Style, chosen: Chosen = ALL, chart: Chart = CHART) -> list[dict[str, Any]]:
    bundle = to_transaction(finding, chart, style, chosen, PAGE)
    assert bundle is not None
    return [entry["resource"] for entry in bundle["entry"]]


def of(kind: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["resourceType"] == kind]


@pytest.mark.parametrize("name", GOLDENS)
def test_a_rendering_that_changes_needs_a_new_renderer_version(name: str, style: Style) -> None:
    """When this fails on purpose: raise ``RENDERER_VERSION``, or changed objects get the identifiers of old ones."""
    make, chosen = GOLDENS[name]
    bundle = to_transaction(make(Panels()), CHART, style, chosen, PAGE)
    assert bundle is not None
    assert encode(bundle) == encode(json.loads((GOLDEN / f"fhir_{name}.json").read_text(encoding="utf-8")))


def test_each_horizon_is_one_prediction_with_a_period_from_the_draw_on(style: Style) -> None:
    (risk,) = of("RiskAssessment", resources(Panels().prediction(), style))
    assert [row["probabilityDecimal"] for row in risk["prediction"]] == [FIVE, TEN]
    start = "2026-02-26"
    assert [row["whenPeriod"] for row in risk["prediction"]] == [
        {"start": start, "end": "2031-02-26"}, {"start": start, "end": "2036-02-26"},
    ]  # fmt: skip
    assert {row["outcome"]["coding"][0]["code"] for row in risk["prediction"]} == {"94391008"}
    assert not any("whenRange" in row or "qualitativeRisk" in row for row in risk["prediction"])


def test_a_result_that_is_judged_or_made_again_speaks_of_the_same_years(style: Style) -> None:
    first = Panels().prediction()
    judged = replace(first, revision=2, review=ReviewState.ACCEPTED, created_time=datetime(2027, 9, 1, tzinfo=UTC))
    said = [of("RiskAssessment", resources(finding, style))[0]["prediction"] for finding in (first, judged)]
    assert [row["whenPeriod"] for row in said[0]] == [row["whenPeriod"] for row in said[1]]


def test_five_years_after_a_leap_day_is_the_day_before(style: Style) -> None:
    finding = Panels().prediction()
    drawn = replace(finding.study, panel=Panel(("hscrp",), date(2028, 2, 29)))
    (risk,) = of("RiskAssessment", resources(replace(finding, study=drawn), style))
    assert risk["prediction"][0]["whenPeriod"]["end"] == "2033-02-28"


def test_a_value_outside_the_range_of_a_demonstration_model_is_marked_as_test_data_wherever_it_goes(
    style: Style,
) -> None:
    pins = Panels().prediction().pins
    assert pins is not None
    pinned = replace(pins, intended_use=IntendedUse.DEMONSTRATION)
    refusal = replace(Panels().not_analysed(NotAnalysedReason.OUT_OF_DISTRIBUTION), pins=pinned)
    for row in resources(refusal, replace(style, clinical=True)):
        if row["resourceType"] != "Device":
            assert "HTEST" in {label["code"] for label in row["meta"]["security"]}


def test_the_interval_is_a_range_in_per_cent_beside_the_number(style: Style) -> None:
    (risk,) = of("RiskAssessment", resources(Panels().prediction(), style, ALL))
    (extension,) = risk["prediction"][0]["extension"]
    assert extension["url"] == local.INTERVAL_EXTENSION
    ends = (extension["valueRange"]["low"], extension["valueRange"]["high"])
    assert [(end["value"], end["code"]) for end in ends] == [(8.1, "%"), (18.4, "%")]


def test_the_convention_of_the_sink_moves_the_number_and_not_the_interval(style: Style) -> None:
    (risk,) = of("RiskAssessment", resources(Panels().prediction(), replace(style, convention="percent")))
    assert risk["prediction"][0]["probabilityDecimal"] == 12.34567890123
    assert risk["prediction"][0]["extension"][0]["valueRange"]["low"]["value"] == 8.1


def test_the_rationale_names_the_points_of_each_variable_and_their_total(style: Style) -> None:
    (risk,) = of("RiskAssessment", resources(Panels().prediction(), style))
    for row in risk["prediction"]:
        assert (
            "hsCRP = 12.4 mg/L (2026-02-26, 2 days before this result, Observation/hscrp version 1): 41.2 points"
            in (row["rationale"])
        )
        assert "Endocrine therapy received = yes" in row["rationale"]
        assert "total 99.5 points" in row["rationale"]
    assert "no lung metastasis within 5 years: 87.7 %" in risk["prediction"][0]["rationale"]


def test_each_horizon_has_an_observation_of_its_own_code(style: Style) -> None:
    first, second = of("Observation", resources(Panels().prediction(), style))
    assert [row["code"]["coding"][0]["code"] for row in (first, second)] == ["p_lung_met_5y", "p_lung_met_10y"]
    assert first["identifier"][0] != second["identifier"][0]
    stated = {row["code"]["coding"][0]["code"]: row["valueQuantity"]["value"] for row in first["component"]}
    assert stated == {
        "p_lung_met_5y": 12.34567890123, "p_no_lung_met_5y": 100 * (1 - FIVE), "interval_low": 8.1,
        "interval_high": 18.4, "horizon": 5,
    }  # fmt: skip


def test_a_horizon_without_an_interval_states_none(style: Style) -> None:
    made = resources(Panels(horizons=(HorizonRisk(5, FIVE), BOTH[1])).prediction(), style)
    assert "extension" not in of("RiskAssessment", made)[0]["prediction"][0]
    codes = {row["code"]["coding"][0]["code"] for row in of("Observation", made)[0]["component"]}
    assert codes == {"p_lung_met_5y", "p_no_lung_met_5y", "horizon"}


@pytest.mark.parametrize("chosen", [ALL, REPORT, DOCUMENT], ids=lambda one: str(one.form))
def test_a_refused_horizon_is_said_and_is_nowhere_a_number(style: Style, chosen: Chosen) -> None:
    made = resources(Panels(horizons=ONLY_FIVE).prediction(), style, chosen)
    refusal = "10-year risk of lung metastasis: not given. Fewer than 10 patients were followed for 10 years."
    for row in made:
        if row["resourceType"] not in {"Device", "Provenance"}:
            assert refusal in row["text"]["div"]
    assert all(len(row["prediction"]) == 1 for row in of("RiskAssessment", made))
    assert "2036" not in encode({"rows": made}).decode()
    assert "_10y" not in encode({"rows": made}).decode()
    assert len(of("Observation", made)) == (0 if chosen is DOCUMENT else 1)


def test_nothing_about_a_panel_mentions_images_or_a_side(style: Style) -> None:
    text = encode({"rows": resources(Panels().prediction(), style)}).decode()
    assert "ImagingStudy" not in text
    assert "Side:" not in text
    assert "Images of" not in text
    assert "Laboratory values of 2026-02-26" in text


def test_the_report_holds_the_page_and_the_conclusion_in_words(style: Style) -> None:
    made = resources(Panels().prediction(), style)
    (report,) = of("DiagnosticReport", made)
    (page,) = report["presentedForm"]
    assert base64.b64decode(page["data"]) == PAGE
    assert (page["contentType"], page["size"]) == ("application/pdf", len(PAGE))
    assert base64.b64decode(page["hash"]) == hashlib.sha1(PAGE, usedforsecurity=False).digest()
    assert "5-year risk of lung metastasis 12.3 % (95 % 8.1 to 18.4)" in report["conclusion"]
    assert "conclusionCode" not in report
    assert len(report["result"]) == 2


def test_the_reading_under_luminal_status_stands_beside(style: Style) -> None:
    (report,) = of("DiagnosticReport", resources(Panels().prediction(), style))
    other = "If endocrine therapy is read as luminal status (no): 5-year risk of lung metastasis 20.1 %."
    assert other in report["conclusion"]


def test_provenance_names_every_resource_the_inputs_with_their_version_and_who(style: Style) -> None:
    made = resources(Panels().prediction(), style)
    (history,) = of("Provenance", made)
    assert len(history["target"]) == 4
    assert history["entity"][1]["what"]["reference"] == "Observation/hscrp/_history/1"
    assert history["entity"][2]["what"]["display"].startswith("Observation/il6 version 1")
    assert history["reason"][0]["coding"][0]["code"] == "AIAST"
    assert history["agent"][0]["who"]["reference"].startswith("urn:uuid:")


@pytest.mark.parametrize("chosen", [ALL, REPORT, DOCUMENT], ids=lambda one: str(one.form))
def test_everything_is_labelled_and_recognised_as_ours(style: Style, chosen: Chosen) -> None:
    made = resources(Panels().prediction(), style, chosen)
    assert all(why_not_input(row) for row in made)
    for row in made:
        if row["resourceType"] != "Device":
            assert {label["code"] for label in row["meta"]["security"]} == {"AIAST", "HTEST"}
    clinical = resources(Panels().prediction(use=IntendedUse.CLINICAL), replace(style, clinical=True), chosen)
    assert "HTEST" not in encode({"rows": clinical}).decode()


def test_a_server_without_devices_is_told_the_models_name(style: Style) -> None:
    made = resources(Panels().prediction(), style, replace(ALL, device=False, provenance=False))
    assert not of("Device", made)
    (risk,) = of("RiskAssessment", made)
    assert "lung-test 1.0.0" in risk["performer"]["display"]


@pytest.mark.parametrize("reason", list(NotAnalysedReason))
def test_every_reason_for_no_answer_is_rendered_with_its_code(style: Style, reason: NotAnalysedReason) -> None:
    made = resources(Panels().not_analysed(reason), style)
    (risk,), (twin,), (report,) = (of(kind, made) for kind in ("RiskAssessment", "Observation", "DiagnosticReport"))
    assert risk["status"] == "cancelled"
    assert local.REASONS[reason].code in {row["code"] for row in twin["dataAbsentReason"]["coding"]}
    assert f"Not analysed [{local.REASONS[reason].code}]" in report["conclusion"]
    assert "valueQuantity" not in twin


def test_a_document_becomes_final_when_a_person_accepts_and_amended_when_one_was_final(style: Style) -> None:
    accepted = replace(Panels().prediction(), review=ReviewState.ACCEPTED)
    (first,) = resources(accepted, style, DOCUMENT)
    before = replace(CHART, earlier=(first | {"id": "1"},))
    later = resources(Panels().later(accepted), style, DOCUMENT, before)
    assert [first["docStatus"], later[0]["docStatus"], later[1]["docStatus"]] == [
        "final", "amended", "entered-in-error",
    ]  # fmt: skip


def test_what_is_taken_back_holds_no_page_with_the_old_number(style: Style) -> None:
    gone = Panels().withdrawal(Panels().prediction())
    (report,) = of("DiagnosticReport", resources(Panels().prediction(), style))
    (document,) = resources(Panels().prediction(), style, DOCUMENT)
    back = taken_back(report, gone)
    assert "presentedForm" not in back
    assert back["conclusion"].endswith("The laboratory cancelled its values.")
    (left,) = taken_back(document, gone)["content"]
    assert b"cancelled its values" in base64.b64decode(left["attachment"]["data"])


def test_what_has_no_room_is_taken_back_before_and_what_is_new_stays_together(style: Style) -> None:
    kinds = ("Observation", "Observation", "DiagnosticReport", "RiskAssessment")
    subject = {"subject": {"reference": "Patient/p"}, "status": "final"}
    earlier = tuple({"resourceType": kind, "id": str(number), **subject} for number, kind in enumerate(kinds))
    bundle = to_transaction(Panels().prediction(), replace(CHART, earlier=earlier), style, ALL, PAGE)
    assert bundle is not None
    before, last = in_parts(bundle, 8)
    assert [row["request"]["url"] for row in before["entry"]] == ["Observation/0", "Observation/1"]
    assert [row["request"]["url"] for row in last["entry"]][-2:] == ["DiagnosticReport/2", "RiskAssessment/3"]
    assert len(last["entry"]) == 8
    assert in_parts(bundle, 10) == (bundle,)


def test_a_report_that_refers_to_no_observation_is_not_sent(style: Style) -> None:
    from shared.fhir.writing.checks import check_transaction
    from shared.fhir.writing.transaction import transaction

    (report,) = of("DiagnosticReport", resources(Panels().prediction(), style))
    wrong = report | {"result": [{"reference": "RiskAssessment/1"}]}
    with pytest.raises(InvalidInputError, match="may not refer to a RiskAssessment"):
        check_transaction(transaction([{"fullUrl": "urn:uuid:1", "resource": wrong}]))
