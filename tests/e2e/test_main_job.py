"""The main job on real input: a real breast MR and a published mCODE example, through a real PACS and FHIR server."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import nrrd
import numpy as np
import pytest
from pydicom.dataset import Dataset

from shared.domain.case import CaseDetail
from shared.phantoms.modules import PatientAttributes, derived_uid
from shared.phantoms.mr_series import StudyAttributes, VolumeGeometry, mr_series
from shared.testing.dicom_judges import dciodvfy_lines, dsrdump
from shared.testing.fhir_judges import google_errors
from tests.system import FHIR_SYSTEM, ISSUER, System

pytestmark = [pytest.mark.e2e, pytest.mark.shared_data, pytest.mark.timeout(300)]

# The example's identifier: http://hospital.example.org|MRN1234, female, born 1965-01-01; therapy begins 2018-04-01.
STUDY_DATE = date(2018, 3, 17)
CN0, CN1 = "1229967007", "1229973008"  # AJCC cN0, cN1: see shared/codes/snomed.py, TNM_VALUES


@pytest.fixture
def jenny(shared_data: Path) -> list[dict[str, Any]]:
    files = sorted((shared_data / "fhir" / "jenny-m").glob("*.json"))
    order = {"Patient": 0, "Condition": 1, "Specimen": 2}
    resources = [json.loads(file.read_text()) for file in files]
    return sorted(resources, key=lambda resource: order.get(resource["resourceType"], 3))


@pytest.fixture
def breast1(shared_data: Path) -> Callable[[str], tuple[Dataset, ...]]:
    voxels, header = nrrd.read(str(shared_data / "mri" / "breast1_image.nrrd"))
    spacing = [float(np.linalg.norm(axis)) for axis in header["space directions"]]
    volume = np.clip(np.transpose(voxels, (2, 1, 0)), 0, 4095).astype(np.uint16)

    def build(seed: str) -> tuple[Dataset, ...]:
        patient = PatientAttributes("MRN1234", ISSUER, "M^JENNY", date(1965, 1, 1))
        study = replace(StudyAttributes(), seed=seed, study_date=STUDY_DATE)
        return mr_series(volume, VolumeGeometry(spacing[1], spacing[0], spacing[2]), patient, study)

    return build


def with_n_category(resources: list[dict[str, Any]], code: str) -> list[dict[str, Any]]:
    text = json.dumps(resources).replace(CN0, code)
    changed: list[dict[str, Any]] = json.loads(text)
    return changed


def route(system: System, images: tuple[Dataset, ...], seed: str, state: str) -> CaseDetail:
    system.route(images)
    return system.settled(derived_uid(seed), state)


def test_jenny_m_as_published_is_refused_and_with_cn1_she_is_scored(
    system: System, jenny: list[dict[str, Any]], breast1: Callable[[str], tuple[Dataset, ...]]
) -> None:
    system.record(*jenny)
    refused = route(system, breast1("jenny published"), "jenny published", "not_analysed")
    assert refused.case.reason.startswith("not_node_positive")

    system.record(*[r for r in with_n_category(jenny, CN1) if "regional-nodes-category" in r["id"]])
    scored = route(system, breast1("jenny cN1"), "jenny cN1", "predicted")
    answer = scored.findings[0].prediction
    assert answer is not None
    assert {used.name: used.value for used in answer.inputs} == {"er": "positive", "her2": "negative", "t": "3"}
    assert any("HER2" in flag.text for flag in answer.flags)
    assert answer.alternatives
    assert {delivery.state.value for delivery in scored.deliveries} == {"delivered"}
    _judge(system, scored)


def test_her_impossible_neutrophil_count_is_refused_by_name(system: System, jenny: list[dict[str, Any]]) -> None:
    (neutrophils,) = [r for r in jenny if "neutrophils" in r["id"]]
    answer = system.post(neutrophils)

    assert answer.status_code == 422
    (issue,) = answer.json()["issue"]
    assert issue["expression"] == ["Observation.value"]
    assert "impossible" in issue["diagnostics"]


def _judge(system: System, scored: CaseDetail) -> None:
    """Hold SR and RiskAssessment before readers and judges that are not ours."""
    places = {delivery.sink: delivery.location for delivery in scored.deliveries}
    uid = places["pacs"].rsplit("/", 1)[-1]
    (instance,) = system.pacs.find("Instance", SOPInstanceUID=uid)
    report = system.folder / "judged.dcm"
    report.write_bytes(system.pacs.dicom(instance))
    assert dciodvfy_lines(report) == []
    assert "Probability of no residual nodal disease" in dsrdump(report)
    found = system.pacs.get(f"/dicom-web/studies/{derived_uid('jenny cN1')}/series?Modality=SR")
    assert len(found) == 1
    assessment = system.ehr.get(places["ehr"].split("/fhir/")[1])
    judged = {"assessment": json.dumps(assessment).encode()}
    assert google_errors(system.folder, judged) == {}
    assert assessment["subject"]["reference"] == "Patient/cancer-patient-jenny-m"
    assert FHIR_SYSTEM == "http://hospital.example.org"
