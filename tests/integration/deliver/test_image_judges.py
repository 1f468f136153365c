"""Programs that are not ours judge region, map, picture and report of an answer from images, and FHIR of it."""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from services.results.config import Settings, SinkSettings
from services.results.deliver.adapters.sinks import build_sink, style
from services.results.deliver.formats.chart import Chart, chart_without_server
from services.results.deliver.formats.fhir_bundle import to_transaction
from services.results.deliver.formats.sr_document import encoded
from services.results.deliver.ports import Sink
from services.results.ledger.findings import Finding
from shared.fhir.writing.elements import encode
from shared.storage.blobs import LocalBlobs
from shared.testing import dicom_judges
from shared.testing.fhir_judges import google_errors
from shared.testing.fhir_server import FhirServer
from tests.findings import Findings, left_behind
from tests.imaged import Imaged, in_plane_orientations
from tests.integration.deliver.conftest import FHIR_SYSTEM

pytestmark = pytest.mark.integration

KINDS = ("", ".seg", ".pm", ".sc")
LAYOUTS: dict[str, dict[str, Any]] = {
    "single frames": {},
    "enhanced": {"multi_frame": True},
    "oblique, reversed": {"orientation": in_plane_orientations()["oblique"], "reversed_slices": True},
}
VALIDATOR = Path("/usr/bin/DicomSRValidator")


@pytest.fixture(params=LAYOUTS)
def imaged(request: pytest.FixtureRequest, settings: Settings) -> Imaged:
    return Imaged(LocalBlobs(settings.site.blob_folder), **LAYOUTS[request.param])


@pytest.fixture
def folder(tmp_path: Path, settings: Settings, opened: ExitStack) -> tuple[Sink, Path]:
    table = SinkSettings(name="folder", kind="folder", folder=tmp_path / "out")
    return build_sink(settings, table, opened), tmp_path / "out"


def test_dciodvfy_finds_nothing_in_any_object(imaged: Imaged, folder: tuple[Sink, Path]) -> None:
    if not dicom_judges.installed():
        pytest.skip("dciodvfy and dsrdump are not installed (Debian: dicom3tools, dcmtk)")
    sink, where = folder
    sent = sink.deliver(imaged.finding(), ())
    for kind in KINDS:
        assert dicom_judges.dciodvfy_lines(where / f"{sent.object_id}{kind}.dcm") == []


def test_dciodvfy_would_find_a_defect_in_a_segmentation(imaged: Imaged, folder: tuple[Sink, Path]) -> None:
    if not dicom_judges.installed():
        pytest.skip("dciodvfy and dsrdump are not installed (Debian: dicom3tools, dcmtk)")
    sink, where = folder
    sent = sink.deliver(imaged.finding(), ())
    path = where / f"{sent.object_id}.seg.dcm"
    document: Dataset = dcmread(path)
    del document.SegmentSequence[0].SegmentedPropertyTypeCodeSequence
    path.write_bytes(encoded(document))
    assert any(line.startswith("Error") for line in dicom_judges.dciodvfy_lines(path))


def test_dsrdump_reads_region_numbers_and_sentences(imaged: Imaged, folder: tuple[Sink, Path]) -> None:
    if not dicom_judges.installed():
        pytest.skip("dciodvfy and dsrdump are not installed (Debian: dicom3tools, dcmtk)")
    sink, where = folder
    sent = sink.deliver(imaged.finding(), ())
    shown = dicom_judges.dsrdump(where / f"{sent.object_id}.dcm")
    for said in (
        "Referenced Segment", "Source Image for Segmentation", "cubic millimeter", "pyradiomics",
        "exponential glcm MCC",
        "Answered by clinical_dlr. Clinical-DLR: all inputs are there.", "clinical_radiomics: no answer.",
        "Phases: 1 before contrast at -10 s; 2 measured at 118 s; 3 late at 420 s.",
        "Region: drawn automatically, confirmed by nobody: functional tumour volume",
    ):  # fmt: skip
        assert said in shown


def test_pixelmed_finds_no_error_in_the_report(folder: tuple[Sink, Path], settings: Settings) -> None:
    if not VALIDATOR.exists():
        pytest.skip("the PixelMed validator is not installed (Debian: pixelmed-apps)")
    sink, where = folder
    sent = sink.deliver(Imaged(LocalBlobs(settings.site.blob_folder)).finding(), ())
    limits = "-Djdk.xml.xpathTotalOpLimit=0 -Djdk.xml.xpathExprOpLimit=0 -Djdk.xml.xpathExprGrpLimit=0"
    answer = subprocess.run(
        [VALIDATOR, where / f"{sent.object_id}.dcm"], capture_output=True, text=True, timeout=120,
        env={**os.environ, "JAVA_TOOL_OPTIONS": limits},
    )  # fmt: skip
    said = answer.stdout + answer.stderr
    assert "Root Template Validation Complete" in said
    assert [line for line in said.splitlines() if line.startswith("Error")] == []


def resources(finding: Finding, settings: Settings, chart: Chart) -> list[dict[str, object]]:
    look = style(settings, SinkSettings(name="ehr", kind="fhir"))
    bundle = to_transaction(finding, chart, look)
    assert bundle is not None
    return [entry["resource"] for entry in bundle["entry"]]


def test_google_fhir_accepts_the_bundle(settings: Settings, tmp_path: Path) -> None:
    look = style(settings, SinkSettings(name="ehr", kind="fhir"))
    finding = Imaged(LocalBlobs(settings.site.blob_folder)).finding()
    bundle = to_transaction(finding, chart_without_server("urn:hospital", "PAT-1"), look)
    assert bundle is not None
    assert google_errors(tmp_path, {"imaged": encode(bundle)}) == {}


def test_medplum_keeps_the_volume_and_every_variants_answer_and_takes_them_back(
    to_ehr: Sink, ehr: FhirServer, settings: Settings
) -> None:
    ehr.put({
        "resourceType": "Patient", "id": "imaged", "birthDate": "1971-04-05", "gender": "female",
        "identifier": [{"system": FHIR_SYSTEM, "value": "PAT-0042"}],
    })  # fmt: skip
    imaged = Imaged(LocalBlobs(settings.site.blob_folder), name="medplum")
    first = imaged.finding()
    left = to_ehr.deliver(first, ())
    rows = ehr.search("Observation?subject=Patient/imaged")
    (volume,) = (row for row in rows if row["code"]["coding"][0]["code"] == "region_volume")
    assert volume["valueQuantity"]["code"] == "mm3"
    assert volume["valueQuantity"]["value"] == pytest.approx(imaged.mask.volume_mm3)
    assert volume["bodySite"]["coding"][0]["code"] == "80248007"
    (answer,) = (row for row in rows if row is not volume)
    others = [row for row in answer["component"] if row["code"]["coding"][0]["code"] == "variant_answer"]
    assert [row.get("valueQuantity", {}).get("value") for row in others] == [None, 41.0]
    assert others[0]["dataAbsentReason"]["text"] == "No such bundle is installed."
    to_ehr.deliver(Findings(imaged.blobs).withdrawal(first), (left_behind(first, left.object_id),))
    assert {row["status"] for row in ehr.search("Observation?subject=Patient/imaged")} == {"entered-in-error"}
