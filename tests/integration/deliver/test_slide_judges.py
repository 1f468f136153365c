"""Programs that are not ours judge every form of a slide's result, and keep it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from services.results.config import Settings, SinkSettings
from services.results.deliver.adapters.sinks import build_sink
from services.results.deliver.ports import Sink
from services.results.ledger.findings import Finding
from shared.domain.case import ReviewState
from shared.domain.identity import PatientIdentity
from shared.storage.blobs import LocalBlobs
from shared.testing import dicom_judges
from shared.testing.fhir_judges import google_errors
from shared.testing.fhir_server import FhirServer
from tests.dicom_slide import GLASS, DicomSlide
from tests.findings import left_behind
from tests.integration.deliver.conftest import FHIR_SYSTEM, Pacs
from tests.slide_findings import SlideFindings, indeterminate

pytestmark = pytest.mark.integration

ONLY_HERE = PatientIdentity("hospital", "PAT-0077")
"""The room shares one FHIR server: a patient of another test under the same identifier would be two."""
KINDS: dict[str, Callable[[SlideFindings], Finding]] = {
    "prediction": lambda f: f.prediction(),
    "indeterminate": lambda f: f.prediction(indeterminate()),
    "accepted": lambda f: replace(f.prediction(), review=ReviewState.ACCEPTED),
    "not analysed": lambda f: f.not_analysed(),
}


@pytest.fixture
def slides(settings: Settings) -> DicomSlide:
    return DicomSlide(LocalBlobs(settings.site.blob_folder))


@pytest.fixture
def folder(tmp_path: Path, settings: Settings, opened: ExitStack) -> Sink:
    return build_sink(settings, SinkSettings(name="folder", kind="folder", folder=tmp_path / "out"), opened)


@pytest.mark.parametrize("kind", KINDS)
def test_dciodvfy_finds_nothing_in_any_object_of_a_slide(
    kind: str, slides: DicomSlide, folder: Sink, tmp_path: Path
) -> None:
    if not dicom_judges.installed():
        pytest.skip("dciodvfy and dsrdump are not installed (Debian: dicom3tools, dcmtk)")
    sent = folder.deliver(KINDS[kind](slides), ())
    files = sorted((tmp_path / "out").glob(f"{sent.object_id}*.dcm"))
    assert len(files) == (1 if kind == "not analysed" else 3)
    assert [line for path in files for line in dicom_judges.dciodvfy_lines(path)] == []


def test_dciodvfy_would_find_a_defect_in_the_annotations(slides: DicomSlide, folder: Sink, tmp_path: Path) -> None:
    if not dicom_judges.installed():
        pytest.skip("dciodvfy and dsrdump are not installed (Debian: dicom3tools, dcmtk)")
    sent = folder.deliver(slides.prediction(), ())
    path = tmp_path / "out" / f"{sent.object_id}.ann.dcm"
    data = dcmread(path)
    del data.AnnotationGroupSequence[0].AnnotationPropertyTypeCodeSequence
    data.save_as(path)
    assert any(line.startswith("Error") for line in dicom_judges.dciodvfy_lines(path))


@pytest.mark.parametrize("of", [DicomSlide, SlideFindings], ids=["DICOM", "file"])
@pytest.mark.parametrize("kind", KINDS)
def test_google_fhir_accepts_the_bundle_of_a_slide(
    kind: str, of: type[SlideFindings], settings: Settings, folder: Sink, tmp_path: Path
) -> None:
    sent = folder.deliver(KINDS[kind](of(LocalBlobs(settings.site.blob_folder))), ())
    content = (tmp_path / "out" / f"{sent.object_id}.fhir.json").read_bytes()
    assert google_errors(tmp_path, {"bundle": content}) == {}


def test_medplum_keeps_the_report_and_takes_it_back(to_ehr: Sink, ehr: FhirServer, slides: DicomSlide) -> None:
    ehr.put({
        "resourceType": "Patient", "id": "slide", "birthDate": "1971-04-05", "gender": "female",
        "identifier": [{"system": FHIR_SYSTEM, "value": ONLY_HERE.identifier}],
    })  # fmt: skip
    first = replace(SlideFindings(slides.blobs).prediction(), identity=ONLY_HERE)
    sent = to_ehr.deliver(first, ())
    assert sent.object_id.startswith("DiagnosticReport/")
    assert to_ehr.deliver(first, ()) == sent

    def rows() -> list[dict[str, Any]]:
        kinds = ("Observation", "DiagnosticReport")
        return [row for kind in kinds for row in ehr.search(f"{kind}?subject=Patient/slide")]

    assert [row["status"] for row in rows()] == ["preliminary"] * 4
    assert not ehr.search("RiskAssessment?subject=Patient/slide")
    assert "her2_he_level" in json.dumps(rows())
    withdrawal = replace(SlideFindings(slides.blobs).withdrawal(first), identity=ONLY_HERE)
    to_ehr.deliver(withdrawal, (left_behind(first, sent.object_id),))
    assert {row["status"] for row in rows()} == {"entered-in-error"}


def test_an_archive_keeps_what_it_takes_and_the_report_always(
    pacs: Pacs, settings: Settings, opened: ExitStack, slides: DicomSlide
) -> None:
    sent = build_sink(settings, pacs.sink(), opened).deliver(slides.prediction(), ())
    assert len(pacs.srs(GLASS.study_uid)) == 1
    maps = pacs.orthanc.find("Instance", Modality="OT", StudyInstanceUID=GLASS.study_uid)
    drawn = pacs.orthanc.find("Instance", Modality="ANN", StudyInstanceUID=GLASS.study_uid)
    assert len(maps) == 1
    assert bool(drawn) != ("annotations of the patches" in sent.location)
