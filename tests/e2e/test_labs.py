"""Laboratory values of one draw, from the EHR, at our own FHIR door or by HL7 v2, become a RiskAssessment."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.codes import local, loinc
from shared.domain.case import CaseDetail
from shared.domain.prediction import NotAnalysedReason
from shared.phantoms.mcode import IFN_ALPHA
from shared.testing.fhir_judges import google_errors
from shared.testing.hl7_messages import message, obr
from tests.lung_bundle import lung_bundle_settings
from tests.patients import BIRTH_DATE, Someone, a_patient, require_peers
from tests.system import System, start_system

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

VALUES = ("12", "9", "2.1", "1.2")
"""hsCRP in mg/L; IL-6, IFN-alpha, TNF-alpha in pg/mL."""


def drawn(days_ago: int = 2) -> date:
    return datetime.now(UTC).date() - timedelta(days=days_ago)


def chart(someone: Someone) -> list[dict[str, Any]]:
    """Return who she is, her cancer and her therapy."""
    return [someone.ehr.patient(), someone.ehr.condition(), someone.ehr.endocrine_therapy("2026-01-10")]


def panel(someone: Someone, values: tuple[str, str, str, str] = VALUES) -> tuple[dict[str, Any], ...]:
    return someone.ehr.panel(values, drawn().isoformat())


def settled(system: System, someone: Someone, state: str, findings: int = 1) -> CaseDetail:
    return system.settled(system.panel_uid(someone.identifier, drawn()), state, findings=findings)


def assessments(system: System, someone: Someone) -> list[dict[str, Any]]:
    return system.ehr.search(f"RiskAssessment?subject=Patient/{someone.ehr.patient_id}")


def current(system: System, someone: Someone) -> list[dict[str, Any]]:
    return [row for row in assessments(system, someone) if row["status"] != "entered-in-error"]


def test_values_in_the_ehr_become_a_risk_assessment_with_a_risk_per_horizon(
    system: System, someone: Someone, tmp_path: Path
) -> None:
    system.record(*chart(someone), *panel(someone))
    detail = settled(system, someone, "predicted")
    answer = detail.findings[0].prediction
    (assessment,) = current(system, someone)

    assert [(row.sink, row.state.value) for row in detail.deliveries] == [("ehr", "delivered")]
    assert detail.completeness.startswith("first_value")
    assert answer is not None
    assert [one.years for one in answer.horizons] == [5, 10]
    given = [one.probability for one in answer.horizons if one.probability is not None]
    told = [row["probabilityDecimal"] for row in assessment["prediction"] if "whenPeriod" in row]
    assert given
    assert set(given) <= set(told)
    assert google_errors(tmp_path, {"assessment": json.dumps(assessment).encode()}) == {}


def test_values_posted_at_our_own_door_come_back_the_same_way(system: System, someone: Someone) -> None:
    system.record(*chart(someone))
    system.until(lambda: bool(system.facts(someone.identifier).patient_reference), "the patient")
    answers = [system.post(row).status_code for row in panel(someone)]
    detail = settled(system, someone, "predicted")

    assert answers == [201, 201, 201, 201]
    assert detail.panel is not None
    assert detail.panel.last_date == drawn()
    assert len(current(system, someone)) == 1


MGL, PGML = "mg/L^^UCUM", "pg/mL^^UCUM"
CODES = (
    (f"{loinc.HSCRP[0].code}^hsCRP^LN", MGL),
    (f"{loinc.IL6[0].code}^IL-6^LN", PGML),
    (f"{IFN_ALPHA.code}^IFN-alpha^L", PGML),
    (f"{loinc.TNF_ALPHA[0].code}^TNF-alpha^LN", PGML),
)


def report(someone: Someone, values: tuple[str, ...], control: str, *, first: int = 0, status: str = "F") -> bytes:
    """Return an ORU^R01 of the draw as the laboratory writes it; ``first``: where in the panel its values begin."""
    sent, day = f"{datetime.now(UTC):%Y%m%d%H%M%S.%f}+0000", f"{drawn():%Y%m%d}"
    rows = [
        f"OBX|{number}|NM|{code}||{value}|{unit}|||||{status}"
        for number, (value, (code, unit)) in enumerate(zip(values, CODES[first:], strict=False), start=1)
    ]
    who = f"PID|1||{someone.identifier}^^^HOSPITAL^MR||SIMULATED^PATIENT||{BIRTH_DATE:%Y%m%d}|F"
    head = f"MSH|^~\\&|LAB|HOSPITAL|ONCORELAY|HOSPITAL|{sent}||ORU^R01^ORU_R01|{control}|P|2.5.1"
    return message(head, who, obr(f"{someone.identifier}^LAB", day), *rows)


def test_a_message_with_the_completing_values_ends_as_a_risk_assessment(
    system: System, someone: Someone, tmp_path: Path
) -> None:
    system.record(*chart(someone))
    system.until(lambda: bool(system.facts(someone.identifier).patient_reference), "the patient")
    answers = system.tell(report(someone, VALUES[:2], "E1"), report(someone, VALUES[2:], "E2", first=2))
    detail = settled(system, someone, "predicted")
    (assessment,) = current(system, someone)

    assert answers == ["AA", "AA"]
    assert detail.findings[-1].prediction is not None
    assert [row for row in assessment["prediction"] if "whenPeriod" in row]
    assert google_errors(tmp_path, {"assessment": json.dumps(assessment).encode()}) == {}


def test_a_corrected_value_by_message_supersedes_what_was_delivered(system: System, someone: Someone) -> None:
    system.record(*chart(someone))
    system.until(lambda: bool(system.facts(someone.identifier).patient_reference), "the patient")
    assert system.tell(report(someone, VALUES, "C1")) == ["AA"]
    first = settled(system, someone, "predicted").findings[0].prediction
    assert system.tell(report(someone, ("30",), "C2", status="C")) == ["AA"]
    detail = settled(system, someone, "predicted", findings=2)
    second = detail.findings[1].prediction

    assert [row.currency.value for row in detail.findings] == ["superseded", "current"]
    assert first is not None
    assert second is not None
    assert second.probability > first.probability
    assert len(current(system, someone)) == 1


def test_what_a_subscription_notifies_of_is_fetched_and_ends_as_a_risk_assessment(tmp_path: Path) -> None:
    require_peers()
    bundles, someone = lung_bundle_settings(tmp_path), a_patient()
    with start_system(tmp_path, asks_ehr=True, inference=bundles, **bundles) as asking:
        asking.record(*chart(someone), *panel(someone)[1:])
        asking.subscribe("Observation")
        asking.record(panel(someone)[0])
        detail = settled(asking, someone, "predicted")
        (assessment,) = current(asking, someone)
        told = [row["path"] for row in asking.ehr.forwarded() if row["status"] == 200]

    assert told[0] == f"Observation/{panel(someone)[0]['id']}"
    assert detail.findings[-1].prediction is not None
    assert [row for row in assessment["prediction"] if "whenPeriod" in row]


def test_an_analyte_that_does_not_come_is_named_and_supersedes_when_it_comes(system: System, someone: Someone) -> None:
    crp, *others = panel(someone)
    system.record(*chart(someone), *others)
    refused = settled(system, someone, "not_analysed")
    assert "hsCRP" in refused.case.reason

    system.record(crp)
    detail = settled(system, someone, "predicted", findings=2)
    assert [row.currency.value for row in detail.findings] == ["superseded", "current"]
    assert len(current(system, someone)) == 1


def test_a_corrected_value_supersedes_what_was_delivered(system: System, someone: Someone) -> None:
    system.record(*chart(someone), *panel(someone))
    first = settled(system, someone, "predicted").findings[0].prediction
    system.record({**panel(someone, ("30", *VALUES[1:]))[0], "status": "corrected"})
    second = settled(system, someone, "predicted", findings=2).findings[1].prediction

    assert first is not None
    assert second is not None
    assert second.probability > first.probability
    assert len(current(system, someone)) == 1


def test_one_value_entered_in_error_takes_the_number_back_and_all_of_them_take_the_question_back(
    system: System, someone: Someone
) -> None:
    system.record(*chart(someone), *panel(someone))
    settled(system, someone, "predicted")
    crp, *others = ({**row, "status": "entered-in-error"} for row in panel(someone))
    system.record(crp)
    settled(system, someone, "not_analysed", findings=2)
    assert [row["status"] for row in current(system, someone)] == ["cancelled"]

    system.record(*others)
    system.until(lambda: not current(system, someone), "nothing of it to be current in the chart")
    (detail,) = system.details(system.panel_uid(someone.identifier, drawn()))
    assert "took back every value" in detail.case.reason


def test_a_metastasis_on_record_is_not_analysed_and_the_ehr_reads_why(system: System, someone: Someone) -> None:
    system.record(*chart(someone), someone.ehr.lung_metastasis("2026-01-20"))
    system.record(*panel(someone))
    detail = settled(system, someone, "not_analysed")

    assert detail.case.reason.startswith("already_metastatic")
    (assessment,) = current(system, someone)
    assert "prediction" not in assessment
    assert local.REASONS[NotAnalysedReason.ALREADY_METASTATIC].code in json.dumps(assessment)


def test_the_same_values_again_make_nothing_new(system: System, someone: Someone) -> None:
    system.record(*chart(someone), *panel(someone))
    before = settled(system, someone, "predicted")
    answers = [system.post(row).status_code for row in panel(someone)]

    assert set(answers) == {200}
    assert settled(system, someone, "predicted").findings == before.findings


def test_what_arrives_while_results_is_away_ends_as_a_result_when_it_is_back(system: System, someone: Someone) -> None:
    system.record(*chart(someone))
    system.until(lambda: bool(system.facts(someone.identifier).patient_reference), "the patient")
    system.kill("results.serve")
    answers = [system.post(row).status_code for row in panel(someone)]
    system.revive("results.serve")
    detail = settled(system, someone, "predicted")

    assert set(answers) == {201}
    assert len(detail.findings) == 1
    assert len(current(system, someone)) == 1


def test_the_command_line_shows_the_draw_and_every_horizon(system: System, someone: Someone) -> None:
    system.record(*chart(someone), *panel(someone))
    detail = settled(system, someone, "predicted")
    program = Path(sys.executable).parent / "oncorelay"
    case_id = detail.case.case_id[:12]
    shown = subprocess.run([str(program), "case", case_id], check=True, capture_output=True, text=True, timeout=60)

    assert f"draw of {drawn().isoformat()}" in shown.stdout
    assert "hscrp" in shown.stdout
    assert "5 years" in shown.stdout
    assert "10 years" in shown.stdout
