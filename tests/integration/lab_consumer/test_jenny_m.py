"""HL7's mCODE example patient Jenny M., resource by resource, as her EHR would send her."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shared.domain.facts import FactName, FactStatus, Tumour
from shared.domain.identity import Demographics, Side
from shared.domain.prediction import NotAnalysed, NotAnalysedReason
from shared.domain.study import Completeness, CompletenessEvidence, Instance, Study
from shared.predictors.contract import Ready
from shared.predictors.registry import STUDY_PREDICTORS

if TYPE_CHECKING:
    from tests.integration.lab_consumer.conftest import Running

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "fhir" / "jenny-m"
ORDERED, GIVEN = ("curative", FactStatus.PRELIMINARY), ("curative", FactStatus.FINAL)
IMPOSSIBLE = "us-core-observation-lab-neutrophils-jenny-m"

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="the real inputs of ../shared/data are not here"),
]


def jenny() -> list[dict[str, Any]]:
    return [json.loads(file.read_text()) for file in sorted(FOLDER.glob("*.json"))]


def check_facts(lab: Running) -> None:
    known = lab.facts("MRN1234")
    left = Tumour("Condition/primary-cancer-condition-jenny-m", Side.LEFT)
    assert known.patient_reference == "Patient/cancer-patient-jenny-m"
    assert known.tumours == (left,)
    values = {fact.name: fact.value for fact in known.facts if fact.name is not FactName.THERAPY}
    assert values == {
        FactName.ESTROGEN_RECEPTOR: "positive",
        FactName.PROGESTERONE_RECEPTOR: "negative",
        FactName.HER2_INTERPRETATION: "negative",
        FactName.CLINICAL_T: "T3",
        FactName.CLINICAL_N: "N0",
        FactName.CLINICAL_M: "M0",
        FactName.PATHOLOGICAL_T: "T3",
        FactName.PATHOLOGICAL_N: "N0",
    }
    therapies = [(fact.value, fact.effective_date.isoformat()) for fact in known.named(FactName.THERAPY)]
    assert sorted(set(therapies)) == [
        ("chemotherapy", "2018-04-01"),
        ("chemotherapy", "2018-04-12"),
        ("chemotherapy", "2018-04-22"),
        ("endocrine", "2018-09-30"),
        ("radiotherapy", "2018-08-15"),
        ("surgery", "2018-04-01"),
    ]
    assert len(therapies) == 9
    stated = {fact.source: (fact.intent, fact.status) for fact in known.named(FactName.THERAPY)}
    assert stated["MedicationRequest/cancer-related-medication-request-anastrozole-jenny-m"] == ORDERED
    assert stated["MedicationAdministration/cancer-related-medication-admin-paclitaxel-jenny-m"] == GIVEN
    assert stated["Procedure/cancer-related-surgical-procedure-jenny-m"] == GIVEN


def test_one_by_one_only_the_impossible_value_is_refused_by_name(lab: Running) -> None:
    answers = {resource["id"]: lab.post(resource) for resource in jenny()}

    refused = {found: answer for found, answer in answers.items() if answer.status_code >= 400}
    assert list(refused) == [IMPOSSIBLE]
    issue = refused[IMPOSSIBLE].json()["issue"][0]
    assert refused[IMPOSSIBLE].status_code == 422
    assert (issue["expression"], issue["code"]) == (["Observation.value"], "value")
    assert "impossible" in issue["diagnostics"]
    assert "not used" in answers["us-core-practitioner-owen-oncologist"].text
    check_facts(lab)


def test_as_a_batch_the_rest_is_accepted(lab: Running) -> None:
    entries = [{"resource": resource} for resource in jenny()]

    answer = lab.post({"resourceType": "Bundle", "type": "batch", "entry": entries}, "/fhir")

    statuses = [entry["response"]["status"][:3] for entry in answer.json()["entry"]]
    assert answer.status_code == 200
    assert statuses.count("422") == 1
    check_facts(lab)


def test_as_a_transaction_nothing_is_accepted_and_the_entry_is_named(lab: Running) -> None:
    resources = jenny()
    place = [resource["id"] for resource in resources].index(IMPOSSIBLE)

    answer = lab.post(
        {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": row} for row in resources]}, "/fhir"
    )

    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == [f"Bundle.entry[{place}].resource.value"]
    assert lab.facts("MRN1234").facts == ()


def test_her_refusal_is_listed_without_identifying_data(lab: Running) -> None:
    for resource in jenny():
        lab.post(resource)

    (refusal,) = lab.grpc.list_refusals()

    assert refusal["source"] == f"Observation/{IMPOSSIBLE}"
    assert refusal["element"] == "Observation.value"
    assert not any(word in refusal["reason"] for word in ("Jenny", "MRN1234", "1965"))


def test_the_specimen_binds_a_receptor_to_the_left_breast(lab: Running) -> None:
    for resource in jenny():
        if resource["id"] == "tumor-marker-test-er-jenny-m":
            resource["specimen"] = {"reference": "Specimen/tumor-specimen-left-breast-jenny-m"}
        lab.post(resource)

    (er,) = lab.facts("MRN1234").named(FactName.ESTROGEN_RECEPTOR)
    assert er.tumour == Tumour("", Side.LEFT)


@pytest.mark.parametrize(("node", "answer"), [("1229967007", NotAnalysed), ("1229973008", Ready)])
def test_she_is_refused_as_published_and_scored_with_n1(lab: Running, node: str, answer: type) -> None:
    for resource in jenny():
        lab.post(json.loads(json.dumps(resource).replace("1229967007", node)))
    complete = Completeness(CompletenessEvidence.QUIET_TIME, "quiet", datetime(2018, 3, 18, tzinfo=UTC))
    image = Instance("1.2.1", "1.2.840.10008.5.1.4.1.1.4", "1.2", "MR", "00", "11", "file:///x")
    images = Study("1.2", None, Demographics(), date(2018, 3, 17), "BREAST", Side.LEFT, (image,), complete)

    assessed = STUDY_PREDICTORS["ln_pcr"].assess(images, lab.facts("MRN1234"))

    assert isinstance(assessed, answer)
    assert getattr(assessed, "reason", NotAnalysedReason.NOT_NODE_POSITIVE) is NotAnalysedReason.NOT_NODE_POSITIVE
    assert not any("medication" in note for note in getattr(assessed, "notes", ()))
