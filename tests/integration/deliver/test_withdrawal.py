"""A result is taken back at an archive: by a report, by a rejection note that others accept, or by both."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import highdicom
import pytest
from pydicom import dcmread
from pydicom.uid import KeyObjectSelectionDocumentStorage

from services.results.config import Settings, SinkSettings
from services.results.deliver.adapters.sinks import build_sink, style
from services.results.deliver.adapters.source_headers import SourceHeaders
from services.results.deliver.formats.rejection_note import to_note
from services.results.deliver.formats.sr_document import encoded
from services.results.deliver.formats.style import document_uid
from services.results.deliver.formats.taking_back import TITLES
from services.results.deliver.ports import Sink
from shared.domain.identity import PatientIdentity
from shared.storage.blobs import LocalBlobs
from shared.testing import dicom_judges
from shared.testing.fhir_server import FhirServer
from tests.findings import left_behind
from tests.integration.deliver.conftest import Pacs, Patient

pytestmark = pytest.mark.integration

FORMS = {"sr": ["SR"], "rejection-note": ["KO"], "both": ["KO", "SR"]}


def notes(pacs: Pacs, study_uid: str) -> list[bytes]:
    rows = pacs.orthanc.find("Instance", Modality="KO", StudyInstanceUID=study_uid)
    return [pacs.orthanc.dicom(row) for row in rows]


@pytest.mark.parametrize("kind", ["dicom-cstore", "dicom-stow"])
@pytest.mark.parametrize("form", FORMS)
def test_what_was_stored_is_taken_back_as_the_site_asks(
    kind: str, form: str, pacs: Pacs, settings: Settings, opened: ExitStack, patient: Patient
) -> None:
    table = pacs.sink(withdrawal=form)
    if kind == "dicom-stow":
        table = SinkSettings.model_validate(
            {"name": "stow", "kind": kind, "url": pacs.orthanc.dicomweb_url, "withdrawal": form}
        )
    sink = build_sink(settings, table, opened)
    first = patient.of(patient.findings.prediction())
    left = sink.deliver(first, ())
    withdrawal = patient.findings.withdrawal(first)
    gone = sink.deliver(withdrawal, (left_behind(first, left.object_id),))
    assert sink.deliver(withdrawal, (left_behind(first, left.object_id),)) == gone
    assert gone.object_id == sink.object_id(withdrawal)

    study = first.study.study_instance_uid
    made = [dcmread(BytesIO(b)) for b in (*pacs.srs(study), *notes(pacs, study))]
    assert sorted(d.Modality for d in made if d.SOPInstanceUID != left.object_id) == FORMS[form]
    for document in made:
        if document.Modality == "KO":
            series = document.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
            assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == left.object_id
        elif document.SOPInstanceUID != left.object_id:
            series = document.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0]
            assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == left.object_id


@pytest.mark.parametrize("reason", TITLES)
def test_other_programs_accept_the_rejection_note(
    reason: str, patient: Patient, settings: Settings, tmp_path: Path
) -> None:
    if not dicom_judges.installed():
        pytest.skip("dciodvfy and dsrdump are not installed (Debian: dicom3tools, dcmtk)")
    path = note(patient, settings, tmp_path, reason)
    assert dicom_judges.dciodvfy_lines(path) == []
    assert "Key Object Selection Document" in dicom_judges.dsrdump(path)
    document = dcmread(path)
    read = highdicom.ko.KeyObjectSelectionDocument.from_dataset(document)
    assert read.content.get_references()[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID
    assert document.SOPClassUID == KeyObjectSelectionDocumentStorage
    assert document.ConceptNameCodeSequence[0].CodeValue == {"quality": "113001", "patient-safety": "113037"}[reason]
    assert str(document.PatientName) == "Müster^Änne"


def test_the_same_withdrawal_makes_the_same_note(patient: Patient, settings: Settings, tmp_path: Path) -> None:
    first = note(patient, settings, tmp_path, "quality").read_bytes()
    assert note(patient, settings, tmp_path, "quality").read_bytes() == first


def note(patient: Patient, settings: Settings, folder: Path, reason: str) -> Path:
    look = style(settings, SinkSettings(name="any", kind="folder"))
    finding = patient.findings.prediction()
    left = left_behind(finding, document_uid(finding, look))
    withdrawal = patient.findings.withdrawal(finding)
    header = SourceHeaders(LocalBlobs(settings.site.blob_folder)).read(withdrawal)
    path = folder / "note.dcm"
    path.write_bytes(encoded(to_note(withdrawal, header, (left,), look, TITLES[reason])))
    return path


def test_what_follows_a_note_names_no_report_that_is_not_there(
    pacs: Pacs, settings: Settings, opened: ExitStack, patient: Patient
) -> None:
    sink = build_sink(settings, pacs.sink(withdrawal="rejection-note"), opened)
    first = patient.of(patient.findings.prediction())
    withdrawal = patient.findings.withdrawal(first)
    gone = sink.deliver(withdrawal, (left_behind(first, sink.deliver(first, ()).object_id),))
    again = sink.deliver(patient.findings.later(withdrawal), (left_behind(withdrawal, gone.object_id),))
    stored = {d.SOPInstanceUID: d for d in (dcmread(BytesIO(b)) for b in pacs.srs(first.study.study_instance_uid))}
    assert "PredecessorDocumentsSequence" not in stored[again.object_id]


def test_a_withdrawal_reaches_the_chart_of_a_patient_that_was_merged_meanwhile(
    to_ehr: Sink, ehr: FhirServer, patient: Patient
) -> None:
    ehr.put(patient.resource())
    first = patient.of(patient.findings.prediction())
    left = to_ehr.deliver(first, ())
    ehr.put(patient.resource(active=False, identifier=[]))
    withdrawal = replace(patient.findings.withdrawal(first), identity=PatientIdentity("hospital", patient.identifier))
    to_ehr.deliver(withdrawal, (left_behind(first, left.object_id),))
    rows = [
        row for kind in ("RiskAssessment", "Observation")
        for row in ehr.search(f"{kind}?subject=Patient/{patient.fhir_id}")
    ]  # fmt: skip
    assert [row["status"] for row in rows] == ["entered-in-error"] * 2
