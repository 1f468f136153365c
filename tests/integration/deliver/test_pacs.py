"""SRs into a real Orthanc: C-STORE and STOW-RS, read back, committed, judged by what the archive holds."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread

from services.results.config import Settings, SinkSettings
from services.results.deliver.adapters.sinks import build_sink
from services.results.deliver.adapters.source_headers import SourceHeaders
from services.results.deliver.formats.sr_document import encoded, to_sr
from services.results.deliver.ports import Sink
from shared.domain.errors import PermanentError, TemporaryError, UnavailableError
from shared.storage.blobs import LocalBlobs
from shared.testing.orthanc import start_orthanc
from shared.testing.pacs import start_qrscp
from shared.testing.ports import free_port
from tests.findings import left_behind
from tests.integration.deliver.conftest import PACS_TITLE, Pacs, Patient

pytestmark = pytest.mark.integration


@pytest.fixture(params=["cstore", "cstore with commitment", "stow"])
def sink(request: pytest.FixtureRequest, pacs: Pacs, settings: Settings, opened: ExitStack) -> Sink:
    tables = {
        "cstore": pacs.sink(),
        "cstore with commitment": pacs.sink(storage_commitment=True, commitment_port=pacs.commitment_port),
        "stow": SinkSettings(name="pacs", kind="dicom-stow", url=pacs.orthanc.dicomweb_url),
    }
    return build_sink(settings, tables[request.param], opened)


def test_an_sr_is_stored_found_and_the_same(sink: Sink, pacs: Pacs, patient: Patient) -> None:
    finding = patient.of(patient.findings.prediction())
    sent = sink.deliver(finding, ())
    (stored,) = pacs.srs(finding.study.study_instance_uid)
    assert dcmread(BytesIO(stored)).SOPInstanceUID == sent.object_id
    assert patient.identifier not in sent.location


def test_a_repeat_makes_nothing_new(sink: Sink, pacs: Pacs, patient: Patient) -> None:
    finding = patient.of(patient.findings.prediction())
    assert sink.deliver(finding, ()) == sink.deliver(finding, ())
    assert len(pacs.srs(finding.study.study_instance_uid)) == 1


def test_a_replacement_names_what_it_replaces(sink: Sink, pacs: Pacs, patient: Patient) -> None:
    first = patient.of(patient.findings.not_analysed())
    left = sink.deliver(first, ())
    later = sink.deliver(patient.findings.later(first), (left_behind(first, left.object_id),))
    stored = {d.SOPInstanceUID: d for d in (dcmread(BytesIO(b)) for b in pacs.srs(first.study.study_instance_uid))}
    series = stored[later.object_id].PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0]
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == left.object_id
    assert series.SeriesInstanceUID == stored[left.object_id].SeriesInstanceUID


def test_an_archive_that_keeps_other_content_under_the_uid_is_found_out(
    sink: Sink, pacs: Pacs, patient: Patient, settings: Settings
) -> None:
    """Orthanc answers Success to the second object and keeps the first."""
    finding = patient.of(patient.findings.prediction())
    style = sink.objects.style  # type: ignore[attr-defined]
    document = to_sr(finding, SourceHeaders(LocalBlobs(settings.site.blob_folder)).read(finding), (), style)
    document.ContentSequence[-1].ContentSequence[0].TextValue = "something else"
    pacs.orthanc.upload(encoded(document))
    with pytest.raises(PermanentError, match="ContentSequence"):
        sink.deliver(finding, ())


def test_a_pacs_that_is_down_is_temporary_and_then_gets_it(
    tmp_path: Path, settings: Settings, opened: ExitStack, patient: Patient
) -> None:
    port, http = free_port(), free_port()
    table = SinkSettings(name="pacs", kind="dicom-cstore", port=port, ae_title=PACS_TITLE, timeout_s=2)
    stow = SinkSettings(name="stow", kind="dicom-stow", url=f"http://127.0.0.1:{http}/dicom-web", timeout_s=2)
    sinks = [build_sink(settings, row, opened) for row in (table, stow)]
    finding = patient.of(patient.findings.prediction())
    for sink in sinks:
        with pytest.raises(UnavailableError):
            sink.deliver(finding, ())
    with start_orthanc(tmp_path / "pacs", ae_title=PACS_TITLE, dicom_port=port, http_port=http) as running:
        for sink in sinks:
            sink.deliver(finding, ())
        assert len(running.find("Instance", Modality="SR")) == 1


def test_a_wrong_ae_title_is_permanent_and_says_so(
    pacs: Pacs, settings: Settings, opened: ExitStack, patient: Patient
) -> None:
    table = pacs.sink().model_copy(update={"ae_title": "NOBODY"})
    with pytest.raises(PermanentError, match="AE title"):
        build_sink(settings, table, opened).deliver(patient.of(patient.findings.prediction()), ())


def test_a_pacs_that_hangs_is_temporary_and_ends_in_time(
    settings: Settings, opened: ExitStack, patient: Patient
) -> None:
    with _silent_server() as port:
        table = SinkSettings(name="pacs", kind="dicom-cstore", port=port, ae_title=PACS_TITLE, timeout_s=0.5)
        stow = SinkSettings(name="stow", kind="dicom-stow", url=f"http://127.0.0.1:{port}", timeout_s=0.5)
        for row in (table, stow):
            with pytest.raises(TemporaryError):
                build_sink(settings, row, opened).deliver(patient.of(patient.findings.prediction()), ())


def test_commitment_that_nobody_reports_is_temporary(
    pacs: Pacs, settings: Settings, opened: ExitStack, patient: Patient
) -> None:
    table = pacs.sink(storage_commitment=True, commitment_port=free_port()).model_copy(update={"timeout_s": 1.0})
    with pytest.raises(TemporaryError, match="no storage commitment report"):
        build_sink(settings, table, opened).deliver(patient.of(patient.findings.prediction()), ())


def test_commitment_for_an_ae_title_the_archive_does_not_know_is_permanent(
    pacs: Pacs, settings: Settings, opened: ExitStack, patient: Patient
) -> None:
    table = pacs.sink(storage_commitment=True, commitment_port=free_port(), calling_ae_title="STRANGER")
    with pytest.raises((PermanentError, TemporaryError)):
        build_sink(settings, table, opened).deliver(patient.of(patient.findings.prediction()), ())


def test_a_dicomweb_server_without_such_a_path_is_permanent(
    pacs: Pacs, settings: Settings, opened: ExitStack, patient: Patient
) -> None:
    table = SinkSettings(name="stow", kind="dicom-stow", url=f"{pacs.orthanc.url}/nothing-here")
    with pytest.raises(PermanentError, match="HTTP 404"):
        build_sink(settings, table, opened).deliver(patient.of(patient.findings.prediction()), ())


def test_pynetdicoms_own_archive_takes_it_too(
    tmp_path: Path, settings: Settings, opened: ExitStack, patient: Patient
) -> None:
    with start_qrscp(tmp_path / "qrscp", ae_title="QRSCP") as archive:
        table = SinkSettings(name="pacs", kind="dicom-cstore", port=archive.dicom_port, ae_title="QRSCP", timeout_s=5)
        sink = build_sink(settings, table, opened)
        finding = patient.of(patient.findings.prediction())
        assert sink.deliver(finding, ()) == sink.deliver(finding, ())
        assert len(list(archive.folder.iterdir())) == 1


@contextmanager
def _silent_server() -> Iterator[int]:
    """Accept connections and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held: list[socket.socket] = []
        thread = threading.Thread(target=_accept, args=(listener, held), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in held:
            connection.close()


def _accept(listener: socket.socket, held: list[socket.socket]) -> None:
    while True:
        try:
            held.append(listener.accept()[0])
        except OSError:
            return
