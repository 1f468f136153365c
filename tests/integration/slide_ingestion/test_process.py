"""The service as a process: a scanner's folder, a DICOM sender, orders over gRPC, and what a kill leaves."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from shared.domain.errors import InvalidInputError
from shared.domain.identity import Demographics, PatientIdentity
from shared.domain.slide_orders import OrderStatus, SlideOrder
from shared.domain.slide_registry import SlideState
from shared.domain.slides import Specimen
from shared.phantoms.modules import PatientAttributes
from shared.phantoms.slides.glass import Glass, label_picture
from shared.phantoms.slides.optics import SCANNERS
from shared.phantoms.slides.pyramid import encoded_level, pyramid
from shared.phantoms.slides.tiff import Style, write_tiff
from shared.phantoms.slides.wsm import beside_object, slide_objects
from shared.rpc.slide_ingestion_client import SlideErasureClient, SlideIngestionClient
from shared.testing.dicom import save_series, small_series
from shared.testing.listener_process import ListenerProcess
from shared.testing.ports import wait_until
from shared.testing.results_recorder import ResultsRecorder
from shared.testing.slide_ingestion_process import SlideIngestionProcess
from shared.testing.store import store
from tests.contract.slide_ingestion.conftest import SAID

pytestmark = pytest.mark.integration

WHOSE = PatientAttributes(patient_id="MRN1", issuer="PHANTOMS")
GLASS = Glass(patient=WHOSE)
MANIFEST = SAID | {"issuer": "PHANTOMS"}


def pixels(seed: int = 1) -> Any:
    """Return a little tissue: pink noise on white glass."""
    made = np.full((512, 512, 3), 240, dtype=np.uint8)
    made[96:416, 96:416] = np.random.default_rng(seed).integers((150, 60, 120), (220, 140, 190), (320, 320, 3))
    return made


def tiff(seed: int = 1, *, container: str = "", resolution: bool = True) -> bytes:
    stream = io.BytesIO()
    style = Style.APERIO if container else Style.GENERIC
    label = label_picture(container) if container else None
    write_tiff(stream, pyramid(pixels(seed)), SCANNERS[0], style, label=label, resolution=resolution)
    return stream.getvalue()


def order(container: str, **changes: Any) -> SlideOrder:
    made = SlideOrder(
        "hl7:77", "hl7 LIS", "1", OrderStatus.ACTIVE, PatientIdentity("phantoms", "MRN1"), Demographics(),
        Specimen("S26-1", "A", "1", "1"), container, datetime(2026, 3, 1, tzinfo=UTC), "he", "breast",
    )  # fmt: skip
    return replace(made, **changes)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlideIngestionProcess]:
    process = SlideIngestionProcess(tmp_path_factory.mktemp("slides"))
    process.start()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def recorder(service: SlideIngestionProcess) -> Iterator[ResultsRecorder]:
    recorder = ResultsRecorder()
    recorder.start(f"127.0.0.1:{service.results_port}")
    yield recorder
    recorder.stop()


@pytest.fixture
def results(recorder: ResultsRecorder, service: SlideIngestionProcess) -> Iterator[ResultsRecorder]:
    recorder.forget()
    yield recorder
    for path in service.inbox.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.fixture(scope="module")
def slides(service: SlideIngestionProcess) -> Iterator[SlideIngestionClient]:
    client = SlideIngestionClient(service.address)
    yield client
    client.close()


@pytest.fixture(scope="module")
def listener(service: SlideIngestionProcess) -> Iterator[ListenerProcess]:
    extra = f'settle_s = 0.2\nquiet_s = 2.0\nstop_grace_s = 2.0\nslide_ingestion_address = "{service.address}"'
    process = ListenerProcess(service.folder, results_port=service.results_port, extra=extra)
    process.start()
    yield process
    process.stop()


def drop(service: SlideIngestionProcess, name: str, content: bytes, **manifest: Any) -> None:
    (service.inbox / name).write_bytes(content)
    if manifest:
        (service.inbox / f"{name}.manifest.json").write_text(json.dumps(manifest))


def test_a_slide_dropped_into_the_folder_is_submitted_and_nothing_logs_its_name(
    service: SlideIngestionProcess, results: ResultsRecorder, slides: SlideIngestionClient
) -> None:
    drop(service, "Doe^Jane.tiff", tiff(), **MANIFEST)

    (study,) = results.wait_for_studies(1, 30)
    assert study.slide
    assert (study.slide.width, study.slide.height, study.slide.refused) == (512, 512, "")
    assert study.slide.resolution
    assert "Jane" not in service.log
    assert "MRN1" not in service.log
    wait_until(lambda: any(one.case_ids for one in slides.list_slides(SlideState.SUBMITTED)), "the case to be known")


def test_a_slide_is_found_by_the_barcode_on_its_label(
    service: SlideIngestionProcess, results: ResultsRecorder, slides: SlideIngestionClient
) -> None:
    drop(service, "scan-0001.svs", tiff(2, container="S26-7-A-1-1"))
    wait_until(lambda: bool(slides.list_slides(SlideState.HELD)), "the slide to be held", timeout_s=30)
    slides.record_order("r1", order("S26-7-A-1-1"))

    (study,) = results.wait_for_studies(1, 30)
    assert study.slide
    assert study.slide.order_id == "hl7:77"
    assert "S26-7" not in service.log


def test_a_truncated_slide_is_told_as_not_analysed(service: SlideIngestionProcess, results: ResultsRecorder) -> None:
    content = tiff(3)
    drop(service, "a.tiff", content[: len(content) // 3], **(MANIFEST | {"container": "T", "slide": "8"}))

    (study,) = results.wait_for_studies(1, 30)
    assert study.slide
    assert study.slide.refused == "unreadable_slide"


def test_a_resolution_a_person_states_lets_a_slide_pass(
    service: SlideIngestionProcess, results: ResultsRecorder, slides: SlideIngestionClient
) -> None:
    drop(service, "b.tiff", tiff(4, resolution=False), **(MANIFEST | {"container": "U", "slide": "9"}))
    (study,) = results.wait_for_studies(1, 30)
    assert study.slide
    assert study.slide.refused == "resolution_unknown"

    newest = slides.list_slides()[0]
    assert slides.set_resolution(newest.slide_id[:8], 0.5, "jane", "service report") is SlideState.SUBMITTED
    again = results.wait_for_studies(2, 30)[-1]
    assert again.slide
    assert again.slide.resolution
    assert again.slide.resolution.stated_by.startswith("jane")
    assert again.slide.refused == ""


def test_an_order_that_names_no_glass_is_refused(slides: SlideIngestionClient, results: ResultsRecorder) -> None:
    with pytest.raises(InvalidInputError):
        slides.record_order("r2", order("", specimen=Specimen("S26-1", "", "", "")))


def objects(glass: Glass, seed: int = 1) -> tuple[Dataset, ...]:
    return slide_objects(pyramid(pixels(seed)), SCANNERS[0], glass)


def test_a_dicom_pyramid_is_one_slide_and_its_study_one_case(
    listener: ListenerProcess, results: ResultsRecorder, slides: SlideIngestionClient
) -> None:
    sent = objects(GLASS)
    store(sent, listener.port, "ONCORELAY", "PACS")

    (study,) = results.wait_for_studies(1, 40)
    assert study.slide
    assert study.study_instance_uid == GLASS.study_uid
    assert len(study.instances) == len(sent) > 1
    assert study.instances[0].sop_instance_uid == sent[0].SOPInstanceUID
    assert study.identity == PatientIdentity("phantoms", "MRN1")
    assert study.slide.frame_of_reference_uid == GLASS.frame_of_reference_uid
    assert (study.slide.container, study.slide.specimen.accession) == (GLASS.container, GLASS.accession)
    assert study.slide.order_id.startswith("dicom:")


def test_a_label_in_a_series_of_its_own_makes_no_second_slide(
    listener: ListenerProcess, results: ResultsRecorder, slides: SlideIngestionClient
) -> None:
    glass = Glass(seed="labelled", patient=WHOSE, container="S26-6-A1-1", accession="S26-6")
    label = beside_object("LABEL", encoded_level(label_picture(glass.container)), SCANNERS[0], glass)
    sent = objects(glass, 11)
    store((*sent, label), listener.port, "ONCORELAY", "PACS")

    (study,) = results.wait_for_studies(1, 40)
    wait_until(lambda: any("no slide of its own" in one.reason for one in slides.list_slides(SlideState.REFUSED)),
               "the label to be recognised", timeout_s=30)  # fmt: skip
    assert len(results.studies) == 1
    assert {one.series_instance_uid for one in study.instances} == {glass.series_uid}
    assert not results.notices


def test_a_folder_of_dicom_files_is_one_slide_with_its_own_uids(
    service: SlideIngestionProcess, results: ResultsRecorder
) -> None:
    glass = Glass(seed="folder", patient=WHOSE, container="S26-4-A1-1", accession="S26-4")
    sent = objects(glass, 8)
    save_series(reversed(sent), service.inbox / "case")

    (study,) = results.wait_for_studies(1, 40)
    assert study.study_instance_uid == glass.study_uid
    assert study.instances[0].sop_instance_uid == sent[0].SOPInstanceUID
    assert study.identity == PatientIdentity("phantoms", "MRN1")
    assert study.slide
    assert study.slide.refused == ""
    assert study.slide.container == glass.container
    files = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (service.inbox / "case").iterdir()}
    assert {one.content_digest for one in study.instances} == files, "whoever reads it checks that it was not replaced"
    assert not study.in_dicom, "its files are the hospital's: nothing in the blob store is to be read or removed"
    assert study.slide.frame_of_reference_uid == ""


def test_a_folder_with_two_series_is_no_slide(service: SlideIngestionProcess, results: ResultsRecorder) -> None:
    glasses = [Glass(seed=f"mixed-{number}", patient=WHOSE, container=f"S26-5-A1-{number}") for number in (1, 2)]
    save_series([one for glass in glasses for one in objects(glass)], service.inbox / "mixed")
    (service.inbox / "mixed.manifest.json").write_text(json.dumps(MANIFEST | {"container": "M", "slide": "M"}))

    (study,) = results.wait_for_studies(1, 40)
    assert study.slide
    assert study.slide.refused == "unreadable_slide"
    assert "series" in study.slide.refused_text


def test_two_containers_of_one_study_are_two_slides(listener: ListenerProcess, results: ResultsRecorder) -> None:
    first = Glass(seed="two", patient=WHOSE, container="S26-2-A1-1", accession="S26-2")
    second = Glass(seed="two-b", patient=WHOSE, container="S26-2-A1-2", accession="S26-2")
    other = objects(second, 5)
    for one in other:
        one.StudyInstanceUID = first.study_uid
    store((*objects(first, 6), *other), listener.port, "ONCORELAY", "PACS")

    studies = results.wait_for_studies(2, 40)
    assert {study.study_instance_uid for study in studies} == {first.study_uid}
    assert {study.slide.container for study in studies if study.slide} == {first.container, second.container}
    assert len({study.slide.specimen for study in studies if study.slide}) == 2


def test_other_images_go_to_results_as_before(listener: ListenerProcess, results: ResultsRecorder) -> None:
    store(small_series(), listener.port, "ONCORELAY", "PACS")

    (study,) = results.wait_for_studies(1, 40)
    assert study.slide is None
    assert study.modalities == {"MR"}


def test_a_patients_erasure_empties_the_room(
    service: SlideIngestionProcess, slides: SlideIngestionClient, results: ResultsRecorder
) -> None:
    drop(service, "z.tiff", tiff(9), **(MANIFEST | {"container": "Z", "slide": "Z"}))
    results.wait_for_studies(1, 30)
    wait_until(lambda: any(one.case_ids for one in slides.list_slides()[:1]), "the case")
    client = SlideErasureClient(service.address)
    found = client.erase(PatientIdentity("phantoms", "MRN1"))
    client.close()

    assert found.slide_count >= 1
    assert found.left_file_count >= 1
    assert slides.list_slides(SlideState.SUBMITTED) == ()
    database = service.folder / "data" / "slide_ingestion" / "slides.sqlite"
    assert b"MRN1" not in b"".join(path.read_bytes() for path in database.parent.iterdir())


def test_kill_nine_at_any_moment_loses_no_slide_and_tells_none_twice(tmp_path: Path) -> None:
    process = SlideIngestionProcess(tmp_path)
    recorder = ResultsRecorder()
    process.start()
    drop(process, "a.tiff", tiff(), **MANIFEST)
    for event in ("slide_seen", "slide_complete", "slide_judged"):
        wait_until(lambda event=event: event in process.log, event, timeout_s=30)  # type: ignore[misc]
        process.kill()
        process.start()
    recorder.start(f"127.0.0.1:{process.results_port}")
    try:
        recorder.wait_for_studies(1, 30)
        wait_until(lambda: "slide_submitted" in process.log, "it to be settled")
        assert process.stop() == 0
        assert len({request for request, _ in recorder.studies}) == 1
    finally:
        process.stop()
        recorder.stop()


def test_without_a_schema_it_does_not_start_and_says_what_to_run(tmp_path: Path) -> None:
    process = SlideIngestionProcess(tmp_path)
    process.start()
    process.stop()
    (tmp_path / "data" / "slide_ingestion" / "slides.sqlite").unlink()
    ended = subprocess.run(
        [sys.executable, "-m", "services.slide_ingestion"], capture_output=True, text=True, timeout=60,
        env=os.environ | {"ONCORELAY_CONFIG": str(tmp_path / "slides.toml")},
    )  # fmt: skip

    assert ended.returncode != 0
    assert "python -m services.slide_ingestion migrate" in ended.stderr + ended.stdout
