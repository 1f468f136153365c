"""From the PACS and the EHR through everything and back, with real peers on both sides."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from tests.patients import Someone, a_patient
from tests.system import System

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_a_study_in_the_pacs_becomes_an_sr_in_the_pacs_and_a_risk_assessment_in_the_ehr(
    system: System, someone: Someone
) -> None:
    system.record(*someone.facts())
    system.route(someone.images())
    detail = system.settled(someone.study_uid, "predicted")

    assert {(d.sink, d.state.value) for d in detail.deliveries} == {("pacs", "delivered"), ("ehr", "delivered")}
    assert detail.completeness.startswith("association_released")


def test_the_number_is_the_same_in_sr_fhir_ledger_and_command_line(system: System, someone: Someone) -> None:
    system.record(*someone.facts(er="negative", her2="3+", t="T3"))
    system.route(someone.images())
    detail = system.settled(someone.study_uid, "predicted")
    answer = detail.findings[0].prediction
    assert answer is not None
    by_hand = json.loads(_oncorelay("predict", "ln_pcr-clinical-published", "er=negative", "her2=3", "t=3", "--json"))

    assert by_hand["probability"] == answer.probability
    assert _sr_probability(system, someone, answer.outcome.display) == pytest.approx(answer.probability, abs=1e-13)
    (assessment,) = _assessments(system, someone)
    fractions = {p["outcome"]["text"]: p["probabilityDecimal"] for p in assessment["prediction"]}
    assert answer.probability in fractions.values()
    assert any(value == pytest.approx(answer.complement, abs=1e-15) for value in fractions.values())
    assert "qualitativeRisk" not in json.dumps(assessment)


def test_a_missing_receptor_ends_as_not_analysed_and_is_superseded_when_it_arrives(
    system: System, someone: Someone
) -> None:
    system.record(*someone.facts(her2=""))
    system.route(someone.images())
    refused = system.settled(someone.study_uid, "not_analysed")
    assert "HER2" in refused.case.reason

    system.record(someone.ehr.her2("1+", "2026-01-11"))
    detail = system.settled(someone.study_uid, "predicted", findings=2)
    assert [f.currency.value for f in detail.findings] == ["superseded", "current"]
    assert all(d.state == "delivered" for d in detail.deliveries)
    assert len([r for r in _assessments(system, someone) if r["status"] != "entered-in-error"]) == 1


def test_a_corrected_receptor_supersedes_the_prediction(system: System, someone: Someone) -> None:
    system.record(*someone.facts(er="positive"))
    system.route(someone.images())
    first = system.settled(someone.study_uid, "predicted").findings[0].prediction
    system.record({**someone.ehr.estrogen_receptor("negative", "2026-01-10"), "status": "corrected"})
    second = system.settled(someone.study_uid, "predicted", findings=2).findings[1].prediction

    assert first is not None
    assert second is not None
    assert second.probability > first.probability
    assert len([r for r in _assessments(system, someone) if r["status"] != "entered-in-error"]) == 1


def test_the_same_study_twice_is_one_case_with_one_result(system: System, someone: Someone) -> None:
    system.record(*someone.facts())
    system.route(someone.images())
    first = system.settled(someone.study_uid, "predicted")
    system.send(someone.images())
    _nothing_more_happens(system)

    assert system.settled(someone.study_uid, "predicted").findings == first.findings
    assert len(_srs(system, someone)) == 1


def test_an_identity_conflict_sends_nothing_to_anybodys_chart(system: System, someone: Someone) -> None:
    system.record(*someone.facts())
    system.route(someone.images(birth_date=date(1971, 5, 17)))
    system.until(lambda: any(d.case.state == "failed" for d in system.details(someone.study_uid)), "the conflict")
    (detail,) = system.details(someone.study_uid)

    assert "identity_conflict" in detail.case.reason
    assert (detail.findings, detail.deliveries) == ((), ())
    assert _srs(system, someone) == []
    assert _assessments(system, someone) == []
    assert any(notice.case_id == detail.case.case_id for notice in system.results.list_notices())


def test_two_patients_in_one_study_are_a_conflict(system: System, someone: Someone) -> None:
    images, intruders = someone.images(), a_patient().images(series_number=2)
    for image in intruders:
        image.StudyInstanceUID = someone.study_uid
    system.record(*someone.facts())
    system.send((*images, *intruders))
    system.until(lambda: any(d.case.state == "failed" for d in system.details(someone.study_uid)), "the conflict")

    assert all("disagree" in detail.case.reason for detail in system.details(someone.study_uid))


def test_not_node_positive_is_not_analysed_saying_so(system: System, someone: Someone) -> None:
    system.record(*someone.facts(n="N0"))
    system.route(someone.images())
    detail = system.settled(someone.study_uid, "not_analysed")

    assert detail.case.reason.startswith("not_node_positive")
    assert all(d.state == "delivered" for d in detail.deliveries)


def test_our_own_output_is_never_our_input(system: System, someone: Someone) -> None:
    """The PACS echoes our SR, the FHIR server has notified us of everything we wrote: nothing happens."""
    system.record(*someone.facts())
    system.route(someone.images())
    before = system.settled(someone.study_uid, "predicted")
    cases = len(system.results.list_cases(page_size=1000))
    reports = system.pacs.find("Instance", Modality="SR")
    system.pacs.send("ONCORELAY", *reports)
    own = [row for row in system.ehr.forwarded() if row["path"].startswith(("RiskAssessment", "Device", "Provenance"))]
    _nothing_more_happens(system)

    assert reports
    assert own
    assert all(row["status"] < 400 for row in own)
    assert len(system.results.list_cases(page_size=1000)) == cases
    assert system.settled(someone.study_uid, "predicted").transitions == before.transitions


def test_a_study_that_is_no_breast_mri_leaves_a_trace_and_nothing_else(system: System, someone: Someone) -> None:
    system.send(someone.images(body_part="HEAD"))
    notices: list[Any] = []

    def told() -> bool:
        notices[:] = [n for n in system.results.list_notices() if someone.study_uid in n.text]
        return bool(notices)

    system.until(told, "the trace")
    assert notices[0].kind == "not_applicable"
    assert system.details(someone.study_uid) == []


def test_the_command_line_shows_cases_and_every_step(system: System, someone: Someone) -> None:
    system.record(*someone.facts())
    system.route(someone.images())
    detail = system.settled(someone.study_uid, "predicted")
    listed = json.loads(_oncorelay("cases", "--json"))
    shown = _oncorelay("case", detail.case.case_id[:12])

    assert detail.case.case_id in [case["case_id"] for case in listed["cases"]]
    assert "No residual" in shown or "residual" in shown
    assert "confirm by standard of care" in shown


def test_withdrawing_a_case_reaches_the_ehr_and_the_pacs(system: System, someone: Someone) -> None:
    system.record(*someone.facts())
    system.route(someone.images())
    detail = system.settled(someone.study_uid, "predicted")
    _oncorelay("withdraw", detail.case.case_id[:12], "--reason", "wrong series was routed")
    after = system.settled(someone.study_uid, "failed", findings=2)

    assert [f.kind.value for f in after.findings] == ["prediction", "withdrawn"]
    assert {r["status"] for r in _assessments(system, someone)} == {"entered-in-error"}
    assert len(_srs(system, someone)) == 2


def test_doctor_finds_everything_in_order(system: System) -> None:
    found = {row["name"]: row for row in json.loads(_oncorelay("doctor", "--json"))}

    assert [name for name, row in found.items() if not row["passed"]] == []
    assert {
        "redis",
        "ledger schema",
        "bundles",
        "results",
        "lab_consumer",
        "dicom_listener",
        "sink pacs",
        "sink ehr",
    } <= set(found)


def _oncorelay(*arguments: str) -> str:
    program = Path(sys.executable).parent / "oncorelay"
    return subprocess.run([str(program), *arguments], check=True, capture_output=True, text=True, timeout=60).stdout


def _nothing_more_happens(system: System) -> None:
    """Give every loop several turns."""
    time.sleep(3)
    system.supervisor.watch_once()


def _srs(system: System, someone: Someone) -> list[Any]:
    ids = system.pacs.find("Instance", Modality="SR", PatientID=someone.identifier)
    return [dcmread(BytesIO(system.pacs.dicom(one))) for one in ids]


def _assessments(system: System, someone: Someone) -> list[dict[str, Any]]:
    return system.ehr.search(f"RiskAssessment?subject=Patient/{someone.ehr.patient_id}")


def _sr_probability(system: System, someone: Someone, outcome: str) -> float:
    """Return the number of the SR, read by walking its tree."""
    (report,) = _srs(system, someone)
    numbers = [
        float(item.MeasuredValueSequence[0].NumericValue) for item in _walk(report) if item.get("ValueType") == "NUM"
    ]
    assert len(numbers) >= 2
    assert abs(sum(numbers[:2]) - 1.0) < 1e-12
    assert outcome
    return numbers[0]


def _walk(item: Any) -> list[Any]:
    return [item, *(below for child in item.get("ContentSequence", []) for below in _walk(child))]
