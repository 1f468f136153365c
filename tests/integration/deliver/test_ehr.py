"""Results into a real FHIR server: exactly one current, nothing twice, nobody else's chart."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import httpx
import pytest

from services.results.config import Settings, SinkSettings
from services.results.deliver.adapters.sinks import build_sink
from services.results.deliver.ports import Sent, Sink
from services.results.ledger.findings import Finding
from shared.domain.errors import PermanentError, TemporaryError, UnavailableError
from shared.testing.fhir_server import FhirServer
from tests.findings import PROBABILITY, left_behind
from tests.integration.deliver.conftest import Patient

pytestmark = pytest.mark.integration


@pytest.fixture
def known(ehr: FhirServer, patient: Patient) -> Patient:
    """A patient whose chart is at the server."""
    ehr.put(patient.resource())
    return patient


def assessments(ehr: FhirServer, patient: Patient) -> list[dict[str, Any]]:
    return ehr.search(f"RiskAssessment?subject=Patient/{patient.fhir_id}")


def everything(ehr: FhirServer) -> set[str]:
    kinds = ("RiskAssessment", "Observation", "Device", "Provenance", "Patient")
    return {
        f"{kind}/{row['id']}/{row['meta']['versionId']}" for kind in kinds for row in ehr.search(f"{kind}?_count=1000")
    }


def current(ehr: FhirServer, patient: Patient) -> list[dict[str, Any]]:
    return [row for row in assessments(ehr, patient) if row["status"] != "entered-in-error"]


def deliver(sink: Sink, finding: Finding, left: Sent | None = None, before: Finding | None = None) -> Sent:
    return sink.deliver(finding, (left_behind(before, left.object_id),) if left and before else ())


def test_the_result_is_in_the_chart_with_both_probabilities(to_ehr: Sink, ehr: FhirServer, known: Patient) -> None:
    sent = deliver(to_ehr, known.of(known.findings.prediction()))
    (risk,) = assessments(ehr, known)
    assert sent.object_id == f"RiskAssessment/{risk['id']}"
    assert sent.location == f"{ehr.url}/RiskAssessment/{risk['id']}"
    assert [row["probabilityDecimal"] for row in risk["prediction"]] == [PROBABILITY, 1.0 - PROBABILITY]
    assert "qualitativeRisk" not in risk
    (twin,) = ehr.search(f"Observation?subject=Patient/{known.fhir_id}")
    assert twin["valueQuantity"] == {
        "value": 53.14159265358979,
        "unit": "%",
        "system": "http://unitsofmeasure.org",
        "code": "%",
    }


def test_a_repeat_makes_nothing_new(to_ehr: Sink, ehr: FhirServer, known: Patient) -> None:
    finding = known.of(known.findings.prediction())
    first = deliver(to_ehr, finding)
    before = everything(ehr)
    assert deliver(to_ehr, finding) == first
    assert everything(ehr) == before


def test_the_same_bundle_is_the_same_device(to_ehr: Sink, ehr: FhirServer, known: Patient) -> None:
    first = known.of(known.findings.prediction())
    left = deliver(to_ehr, first)
    deliver(to_ehr, known.findings.later(first), left, first)
    devices = [row for row in ehr.search("Device") if row["identifier"][0]["value"] == "5e" * 32]
    assert len(devices) == 1
    assert {row["performer"]["reference"] for row in assessments(ehr, known)} == {f"Device/{devices[0]['id']}"}


def test_sources_are_referred_to_in_the_version_that_was_read(to_ehr: Sink, ehr: FhirServer, known: Patient) -> None:
    finding = known.of(known.findings.prediction())
    assert finding.pins is not None
    assert finding.prediction is not None
    er, her2 = f"er{known.number}", f"her2{known.number}"
    version = ehr.put(known.observation(er))["meta"]["versionId"]
    ehr.put(known.observation(er) | {"note": [{"text": "changed since"}]})
    ehr.put(known.observation(her2) | {"subject": {"reference": "Patient/somebody-else"}})
    rows = {"er": (er, version), "her2": (her2, "1"), "ct": ("absent", "1")}
    facts = tuple(_moved(fact, *rows[fact.fact_id]) for fact in finding.pins.facts)
    inputs = tuple(_moved(row, *rows[row.source.split("/")[1]]) for row in finding.prediction.inputs)
    deliver(to_ehr, _with(finding, facts, inputs))
    (risk,) = assessments(ehr, known)
    assert [row.get("reference") for row in risk["basis"]][:3] == [f"Observation/{er}/_history/{version}", None, None]
    assert risk["basis"][1]["display"].endswith("(not on this server)")


def test_supersession_leaves_exactly_one_current_result(to_ehr: Sink, ehr: FhirServer, known: Patient) -> None:
    first = known.of(known.findings.not_analysed())
    left = deliver(to_ehr, first)
    later = known.findings.later(first)
    new = deliver(to_ehr, later, left, first)
    assert [f"RiskAssessment/{row['id']}" for row in current(ehr, known)] == [new.object_id]
    twins = ehr.search(f"Observation?subject=Patient/{known.fhir_id}")
    assert sorted(row["status"] for row in twins) == ["entered-in-error", "preliminary"]


def test_what_the_ledger_never_heard_of_is_superseded_too(to_ehr: Sink, ehr: FhirServer, known: Patient) -> None:
    """The server took the first result, and its answer was lost: nobody knows its id."""
    first = known.of(known.findings.not_analysed())
    deliver(to_ehr, first)
    to_ehr.deliver(known.findings.later(first), ())
    assert len(current(ehr, known)) == 1


def test_many_earlier_revisions_are_all_taken_back(to_ehr: Sink, ehr: FhirServer, known: Patient) -> None:
    """A server limits what it runs in isolation; four revisions by lost answers are more than one transaction holds."""
    finding = known.of(known.findings.prediction())
    ehr_ids = []
    for number in range(4):
        later = known.findings.later(finding, probability=0.1 * (number + 1), key=f"{number}f")
        ehr_ids.append(deliver(to_ehr, later).object_id)
        for row in current(ehr, known):
            ehr.put(row | {"status": "preliminary"})
        finding = later
    for row in assessments(ehr, known) + ehr.search(f"Observation?subject=Patient/{known.fhir_id}"):
        ehr.put(row | {"status": "preliminary"})
    deliver(to_ehr, known.findings.later(finding, key="ee"))
    assert len(current(ehr, known)) == 1


def test_a_stale_sender_does_not_bring_an_old_result_back(to_ehr: Sink, ehr: FhirServer, known: Patient) -> None:
    first = known.of(known.findings.not_analysed())
    left = deliver(to_ehr, first)
    new = deliver(to_ehr, known.findings.later(first), left, first)
    with pytest.raises(PermanentError, match="status"):
        deliver(to_ehr, first)
    assert [f"RiskAssessment/{row['id']}" for row in current(ehr, known)] == [new.object_id]


def test_a_withdrawal_takes_back_and_adds_nothing(to_ehr: Sink, ehr: FhirServer, known: Patient) -> None:
    first = known.of(known.findings.prediction())
    left = deliver(to_ehr, first)
    gone = deliver(to_ehr, known.findings.withdrawal(first), left, first)
    (risk,) = assessments(ehr, known)
    assert (risk["status"], gone.object_id) == ("entered-in-error", left.object_id)
    assert "The bundle was recalled." in risk["note"][0]["text"]
    assert deliver(to_ehr, known.findings.withdrawal(first), left, first) == gone


def test_not_analysed_is_visible_with_its_reason(to_ehr: Sink, ehr: FhirServer, known: Patient) -> None:
    deliver(to_ehr, known.of(known.findings.not_analysed()))
    (found,) = ehr.search("RiskAssessment?_tag=urn:oncorelay:code|missing_input&" + f"subject=Patient/{known.fhir_id}")
    assert found["status"] == "cancelled"


def test_500_then_200_is_one_result(to_ehr: Sink, ehr: FhirServer, known: Patient) -> None:
    finding = known.of(known.findings.prediction())
    for status in (500, 503, 429):
        ehr.fail_next(status)
        with pytest.raises(TemporaryError, match=str(status)):
            deliver(to_ehr, finding)
    deliver(to_ehr, finding)
    assert len(assessments(ehr, known)) == 1


def test_401_is_permanent(to_ehr: Sink, ehr: FhirServer, known: Patient) -> None:
    ehr.fail_next(401)
    with pytest.raises(PermanentError, match="401"):
        deliver(to_ehr, known.of(known.findings.prediction()))


def test_an_unknown_patient_is_said_so_and_never_created(to_ehr: Sink, ehr: FhirServer, patient: Patient) -> None:
    before = everything(ehr)
    with pytest.raises(PermanentError, match="has 0 Patients with this identifier"):
        deliver(to_ehr, patient.of(patient.findings.prediction()))
    assert everything(ehr) == before


def test_two_patients_with_one_identifier_are_refused(to_ehr: Sink, ehr: FhirServer, known: Patient) -> None:
    ehr.put(known.resource(id=f"{known.fhir_id}-twin"))
    with pytest.raises(PermanentError, match="has 2 Patients with this identifier"):
        deliver(to_ehr, known.of(known.findings.prediction()))


@pytest.mark.parametrize(
    ("difference", "named"),
    [({"birthDate": "1971-04-06"}, "birth date"), ({"gender": "male"}, "sex")],
)
def test_a_contradicting_chart_is_an_identity_conflict(
    to_ehr: Sink, ehr: FhirServer, patient: Patient, difference: dict[str, str], named: str
) -> None:
    ehr.put(patient.resource(**difference))
    with pytest.raises(PermanentError, match=f"identity conflict.*{named}"):
        deliver(to_ehr, patient.of(patient.findings.prediction()))
    assert assessments(ehr, patient) == []


@pytest.mark.parametrize(
    "gone", [{"active": False}, {"link": [{"other": {"reference": "Patient/x"}, "type": "replaced-by"}]}]
)
def test_a_merged_or_inactive_chart_is_refused(
    to_ehr: Sink, ehr: FhirServer, patient: Patient, gone: dict[str, Any]
) -> None:
    ehr.put(patient.resource(**gone))
    with pytest.raises(PermanentError, match="inactive or replaced"):
        deliver(to_ehr, patient.of(patient.findings.prediction()))


def test_a_transaction_bound_to_an_old_version_changes_nothing(ehr: FhirServer, known: Patient) -> None:
    row = known.observation(f"guarded{known.number}")
    ehr.put(row)
    request = {"method": "PUT", "url": f"Observation/{row['id']}", "ifMatch": 'W/"old"'}
    fresh = known.observation("") | {"resourceType": "Observation"}
    fresh.pop("id")
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [
        {"resource": fresh, "request": {"method": "POST", "url": "Observation"}},
        {"resource": row | {"status": "entered-in-error"}, "request": request}]}  # fmt: skip
    before = everything(ehr)
    with pytest.raises(httpx.HTTPStatusError, match="412"):
        ehr.post(bundle)
    assert everything(ehr) == before


def test_a_server_that_is_not_there_is_temporary(settings: Settings, opened: ExitStack, patient: Patient) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        table = SinkSettings(
            name="ehr", kind="fhir", url=f"http://127.0.0.1:{probe.getsockname()[1]}/fhir", timeout_s=2
        )
        with pytest.raises(UnavailableError):
            build_sink(settings, table, opened).deliver(patient.of(patient.findings.prediction()), ())


def test_the_sinks_convention_is_kept(settings: Settings, ehr: FhirServer, opened: ExitStack, known: Patient) -> None:
    table = SinkSettings(name="ehr", kind="fhir", url=ehr.url, probability_convention="percent")
    deliver(build_sink(settings, table, opened), known.of(known.findings.prediction()))
    (risk,) = assessments(ehr, known)
    assert risk["prediction"][0]["probabilityDecimal"] == 53.14159265358979


def _moved(row: Any, key: str, version: str) -> Any:
    return replace(row, source=f"Observation/{key}", version=version)


def _with(finding: Finding, facts: Any, inputs: Any) -> Finding:
    assert finding.pins is not None
    assert finding.prediction is not None
    pins, prediction = replace(finding.pins, facts=facts), replace(finding.prediction, inputs=inputs)
    return replace(finding, pins=pins, prediction=prediction)
