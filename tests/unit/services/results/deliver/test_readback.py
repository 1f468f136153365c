"""What the peer holds is compared with what was sent; what it may add does not count."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from services.results.deliver.adapters.source_headers import SourceHeaders
from services.results.deliver.formats.chart import Chart
from services.results.deliver.formats.fhir_bundle import to_transaction
from services.results.deliver.formats.readback import dicom_differences, fhir_differences
from services.results.deliver.formats.sr_document import to_sr
from services.results.deliver.formats.style import Style
from tests.findings import Findings


def sent(findings: Findings, style: Style) -> dict[str, Any]:
    bundle = to_transaction(findings.prediction(), Chart({"reference": "Patient/p"}), style)
    assert bundle is not None
    resource: dict[str, Any] = bundle["entry"][1]["resource"]
    return resource


def as_stored(resource: dict[str, Any]) -> dict[str, Any]:
    stored = deepcopy(resource)
    stored["id"] = "1"
    stored["meta"] |= {
        "versionId": "1",
        "security": [{"system": "urn:local", "code": "N"}, *stored["meta"]["security"]],
    }
    stored["performer"]["reference"] = "Device/1"
    stored["occurrenceDateTime"] = stored["occurrenceDateTime"].replace("+00:00", "Z")
    return stored


def test_what_a_server_adds_is_no_difference(findings: Findings, style: Style) -> None:
    resource = sent(findings, style)
    assert fhir_differences(resource, as_stored(resource)) == ()


def test_another_number_is_a_difference(findings: Findings, style: Style) -> None:
    stored = as_stored(sent(findings, style))
    stored["prediction"][0]["probabilityDecimal"] = 0.53
    found = fhir_differences(sent(findings, style), stored)
    assert found == ("RiskAssessment.prediction[0].probabilityDecimal",)


def test_another_status_a_lost_label_and_a_lost_prediction_are_differences(findings: Findings, style: Style) -> None:
    stored = as_stored(sent(findings, style))
    stored["status"] = "entered-in-error"
    stored["meta"]["security"] = []
    stored["prediction"].pop()
    found = set(fhir_differences(sent(findings, style), stored))
    assert found == {"RiskAssessment.status", "RiskAssessment.meta.security", "RiskAssessment.prediction"}


def test_an_archive_that_kept_other_content_is_found_out(
    findings: Findings, headers: SourceHeaders, style: Style
) -> None:
    finding = findings.prediction()
    document = to_sr(finding, headers.read(finding), (), style)
    other = deepcopy(document)
    assert dicom_differences(document, other, complete=True) == ()
    other.PatientID = "SOMEBODY"
    del other.ContentSequence[-1]
    assert dicom_differences(document, other, complete=True) == ("PatientID", "ContentSequence")


def test_of_a_query_answer_only_what_it_states_is_compared(
    findings: Findings, headers: SourceHeaders, style: Style
) -> None:
    finding = findings.prediction()
    document = to_sr(finding, headers.read(finding), (), style)
    answer = deepcopy(document)
    del answer.ContentSequence
    assert dicom_differences(document, answer, complete=False) == ()
    answer.ContentDate = "19990101"
    assert dicom_differences(document, answer, complete=False) == ("ContentDate",)
