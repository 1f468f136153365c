"""Programs that are not ours judge every kind of object: dciodvfy, dsrdump, highdicom; google-fhir and Medplum."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import highdicom
import pytest
from pydicom import dcmread

from services.results.config import Settings, SinkSettings
from services.results.deliver.adapters.sinks import style
from services.results.deliver.adapters.source_headers import SourceHeaders
from services.results.deliver.formats.chart import Chart, chart_without_server
from services.results.deliver.formats.fhir_bundle import to_transaction
from services.results.deliver.formats.sr_document import encoded, to_sr
from services.results.deliver.formats.style import document_uid
from services.results.deliver.ports import Sink
from services.results.ledger.findings import Finding
from shared.domain.case import ReviewState
from shared.domain.identity import Side
from shared.domain.prediction import IntendedUse
from shared.fhir.writing.elements import encode
from shared.storage.blobs import LocalBlobs
from shared.testing import dicom_judges
from shared.testing.fhir_judges import google_errors
from shared.testing.fhir_server import FhirServer
from tests.findings import PROBABILITY, Findings, left_behind
from tests.integration.deliver.conftest import Patient

pytestmark = pytest.mark.integration

KINDS: dict[str, Callable[[Findings], Finding]] = {
    "prediction": lambda f: f.prediction(),
    "accepted": lambda f: replace(f.prediction(use=IntendedUse.CLINICAL), review=ReviewState.ACCEPTED),
    "both sides": lambda f: replace(f.prediction(), side=Side.BOTH),
    "no side": lambda f: replace(f.prediction(), side=None),
    "not analysed": lambda f: f.not_analysed(),
    "superseding": lambda f: f.later(f.not_analysed()),
    "withdrawn": lambda f: f.withdrawal(f.prediction()),
}
CHART = Chart(
    {"reference": "Patient/p"}, {"Observation/er": "Observation/er/_history/1", "Condition/tumour": "Condition/tumour"}
)


def write_sr(finding: Finding, findings: Findings, settings: Settings, folder: Path) -> Path:
    look = style(settings, SinkSettings(name="any", kind="folder"))
    earlier = findings.prediction()
    left = (left_behind(earlier, document_uid(earlier, look)),) if finding.revision > 1 else ()
    path = folder / "sr.dcm"
    path.write_bytes(
        encoded(to_sr(finding, SourceHeaders(LocalBlobs(settings.site.blob_folder)).read(finding), left, look))
    )
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_dciodvfy_finds_nothing_that_is_not_on_the_reviewed_list(
    kind: str, patient: Patient, settings: Settings, tmp_path: Path
) -> None:
    if not dicom_judges.installed():
        pytest.skip("dciodvfy and dsrdump are not installed (Debian: dicom3tools, dcmtk)")
    path = write_sr(KINDS[kind](patient.findings), patient.findings, settings, tmp_path)
    assert dicom_judges.dciodvfy_lines(path) == []


def test_dciodvfy_would_find_a_defect(patient: Patient, settings: Settings, tmp_path: Path) -> None:
    if not dicom_judges.installed():
        pytest.skip("dciodvfy and dsrdump are not installed (Debian: dicom3tools, dcmtk)")
    path = write_sr(patient.findings.prediction(), patient.findings, settings, tmp_path)
    document = dcmread(path)
    del document.CompletionFlag
    document.save_as(path)
    assert any(line.startswith("Error") for line in dicom_judges.dciodvfy_lines(path))


@pytest.mark.parametrize("kind", KINDS)
def test_dsrdump_reads_the_whole_document(kind: str, patient: Patient, settings: Settings, tmp_path: Path) -> None:
    if not dicom_judges.installed():
        pytest.skip("dciodvfy and dsrdump are not installed (Debian: dicom3tools, dcmtk)")
    finding = KINDS[kind](patient.findings)
    shown = dicom_judges.dsrdump(write_sr(finding, patient.findings, settings, tmp_path))
    assert "Comprehensive 3D SR Document" in shown
    assert "not for primary diagnosis" in shown
    assert ("P(Residual nodal disease)" in shown) == bool(finding.prediction)


def test_highdicom_reads_both_numbers_back_by_another_route(
    patient: Patient, settings: Settings, tmp_path: Path
) -> None:
    path = write_sr(patient.findings.prediction(), patient.findings, settings, tmp_path)
    content: Any = highdicom.sr.srread(path).content
    (group,) = content.get_image_measurement_groups()
    values = {row.name.value: row.value for row in group.get_measurements()}
    assert values["p_axillary_pcr"] == pytest.approx(PROBABILITY, abs=1e-14)
    assert sum(values.values()) == pytest.approx(1.0, abs=1e-13)
    assert {site.topographical_modifier for site in group.finding_sites} == {None}
    assert {site.laterality.meaning for site in group.finding_sites} == {"Left"}
    assert group.finding_sites[0].value.value == "68171009"


def test_sr_and_fhir_carry_the_same_number(patient: Patient, settings: Settings, tmp_path: Path) -> None:
    finding = patient.findings.prediction()
    document = dcmread(BytesIO(write_sr(finding, patient.findings, settings, tmp_path).read_bytes()))
    stated = document.ContentSequence[8].ContentSequence[0].ContentSequence
    sr = [row.MeasuredValueSequence[0] for row in stated if row.ValueType == "NUM"]
    bundle = to_transaction(finding, CHART, style(settings, SinkSettings(name="any", kind="fhir")))
    assert bundle is not None
    fhir = [row["probabilityDecimal"] for row in bundle["entry"][1]["resource"]["prediction"]]
    assert [row.FloatingPointValue for row in sr] == fhir == [PROBABILITY, 1.0 - PROBABILITY]
    # DS has 16 characters: "0." and 14 digits.
    assert [f"{value:.14f}" for value in fhir] == [row.NumericValue.original_string for row in sr]


def test_google_fhir_accepts_every_bundle_and_every_resource_in_it(
    patient: Patient, settings: Settings, tmp_path: Path
) -> None:
    look = style(settings, SinkSettings(name="any", kind="fhir"))
    made: dict[str, bytes] = {}
    for kind in ("prediction", "accepted", "not analysed", "superseding"):
        for chart, name in ((CHART, "chart"), (chart_without_server("urn:hospital", "PAT-1"), "folder")):
            bundle = to_transaction(KINDS[kind](patient.findings), chart, look)
            assert bundle is not None
            made[f"{kind} {name}"] = encode(bundle)
            rows = [entry["resource"] for entry in bundle["entry"]]
            made |= {f"{kind} {name} {row['resourceType']}": encode(_standing_alone(row)) for row in rows}
    bad = patient.findings.prediction()
    made["bad"] = encode(_with_status(to_transaction(bad, CHART, look), "finished"))
    found = google_errors(tmp_path, made)
    assert set(found) == {"bad"}


def test_google_fhir_accepts_what_medplum_has_stored(
    to_ehr: Sink, ehr: FhirServer, patient: Patient, tmp_path: Path
) -> None:
    """Medplum validates what it takes; what it then holds, taken back included, goes to the second judge."""
    ehr.put(patient.resource())
    first = patient.of(patient.findings.not_analysed())
    left = to_ehr.deliver(first, ())
    to_ehr.deliver(patient.findings.later(first), (left_behind(first, left.object_id),))
    kinds = ("RiskAssessment", "Observation")
    rows = [row for kind in kinds for row in ehr.search(f"{kind}?subject=Patient/{patient.fhir_id}")]
    assert len(rows) == 4
    assert google_errors(tmp_path, {row["id"]: encode(row) for row in rows}) == {}


def _standing_alone(resource: dict[str, Any]) -> dict[str, Any]:
    """Return the resource with references as a server would resolve them."""
    text = encode(resource).decode()
    kinds = {"performer": "Device", "who": "Device", "device": "Device"}
    for element, kind in kinds.items():
        text = re.sub(rf'"{element}":{{"reference":"urn:uuid:[^"]+"', f'"{element}":{{"reference":"{kind}/1"', text)
    text = re.sub(r'"urn:uuid:[^"]+"', '"RiskAssessment/1"', text)
    found: dict[str, Any] = json.loads(text)
    return found


def _with_status(bundle: dict[str, Any] | None, status: str) -> dict[str, Any]:
    assert bundle is not None
    bundle["entry"][1]["resource"]["status"] = status
    return bundle
