"""Orthanc as the sender: it is asked how much of a study it holds, and its answer is the strongest evidence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.dicom_listener.adapters.sender_count import FindInstanceCount
from services.dicom_listener.ports.peers import CountAtSender
from shared.domain.errors import UnavailableError
from shared.domain.study import CompletenessEvidence
from shared.phantoms.mr_series import StudyAttributes
from shared.testing.dicom import Sender, small_series
from shared.testing.listener_process import ListenerProcess
from shared.testing.orthanc import Modality, Orthanc, installed, start_orthanc
from shared.testing.ports import free_port, wait_until
from shared.testing.results_recorder import ResultsRecorder

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not installed(), reason="orthanc is not installed"),
]
ROOT = "1.2.826.0.1.3680043.10.1490"
PORT = free_port()


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    nodes = {"oncorelay": Modality("ONCORELAY", PORT)}
    folder = tmp_path_factory.mktemp("orthanc")
    with start_orthanc(folder, ae_title="PACS", modalities=nodes, dicomweb=False) as running:
        yield running


@pytest.fixture
def asking(orthanc: Orthanc, tmp_path: Path) -> Iterator[ListenerProcess]:
    peer = f'{{ae_title = "PACS", host = "127.0.0.1", port = {orthanc.dicom_port}, ask_instance_count = true}}'
    process = ListenerProcess(tmp_path, port=PORT, extra=f"settle_s = 0.2\nquiet_s = 30\npeers = [{peer}]")
    process.start()
    yield process
    process.stop()


@pytest.fixture
def results(asking: ListenerProcess) -> Iterator[ResultsRecorder]:
    recorder = ResultsRecorder()
    recorder.start(f"127.0.0.1:{asking.results_port}")
    yield recorder
    recorder.stop()


def _count(orthanc: Orthanc) -> FindInstanceCount:
    return FindInstanceCount("ONCORELAY", "PACS", "127.0.0.1", orthanc.dicom_port, ROOT, 5.0)


def _fill(orthanc: Orthanc, slices: int, seed: str) -> tuple[str, list[str]]:
    """Store a study in Orthanc; return its Study Instance UID and Orthanc's ids of its instances."""
    images = small_series(slices, study=StudyAttributes(seed=seed))
    Sender(orthanc.dicom_port, "MODALITY", "PACS").send(images)
    study = images[0].StudyInstanceUID
    return study, orthanc.find("Instance", StudyInstanceUID=study)


def test_orthanc_states_how_much_it_holds(orthanc: Orthanc) -> None:
    study, _ = _fill(orthanc, 3, "counted")

    assert _count(orthanc).count(study, held=3) == CountAtSender(3, 0)


def test_series_under_our_own_root_are_told_apart(orthanc: Orthanc) -> None:
    study, _ = _fill(orthanc, 3, "with ours")
    (own,) = small_series(1, study=StudyAttributes(seed="with ours", series_number=99))
    own.SeriesInstanceUID = f"{ROOT}.5.6"
    Sender(orthanc.dicom_port, "MODALITY", "PACS").send([own])

    assert _count(orthanc).count(study, held=3) == CountAtSender(4, 1)


def test_a_study_orthanc_does_not_know_is_none(orthanc: Orthanc) -> None:
    assert _count(orthanc).count("1.2.3", held=1) == CountAtSender(0, 0)


def test_a_sender_that_is_away_is_unavailable() -> None:
    with pytest.raises(UnavailableError):
        FindInstanceCount("ONCORELAY", "PACS", "127.0.0.1", free_port(), ROOT, 1.0).count("1.2.3", held=1)


def test_a_study_that_orthanc_sends_whole_is_complete_by_its_count(
    orthanc: Orthanc, asking: ListenerProcess, results: ResultsRecorder
) -> None:
    _, instances = _fill(orthanc, 3, "whole")
    orthanc.send("oncorelay", *instances)

    (study,) = results.wait_for_studies(1)

    assert (len(study.instances), study.sender) == (3, "PACS")
    assert study.completeness.evidence is CompletenessEvidence.EXPECTED_COUNT


def test_a_study_that_orthanc_sends_in_parts_is_submitted_once_and_whole(
    orthanc: Orthanc, asking: ListenerProcess, results: ResultsRecorder
) -> None:
    _, instances = _fill(orthanc, 4, "parts")
    orthanc.send("oncorelay", *instances[:2])
    journal = next(asking.journal.iterdir())
    wait_until(lambda: journal.read_text().count("InstanceStored") == 2, "the first part")
    orthanc.send("oncorelay", *instances[2:])

    (study,) = results.wait_for_studies(1)

    assert len(study.instances) == 4
    assert study.completeness.evidence is CompletenessEvidence.EXPECTED_COUNT
