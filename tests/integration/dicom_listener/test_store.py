"""Studies over C-STORE, from DCMTK's senders and from one that a test can interrupt."""

from __future__ import annotations

import subprocess
from copy import deepcopy
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import nrrd
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from shared.domain.identity import Demographics, PatientIdentity, Sex, Side
from shared.domain.study import CompletenessEvidence
from shared.phantoms.modules import PatientAttributes
from shared.phantoms.mr_series import StudyAttributes, VolumeGeometry, mr_series
from shared.storage.blobs import LocalBlobs
from shared.testing.dicom import Sender, data_set_bytes, save_series, send_raw, small_series
from shared.testing.listener_process import REPOSITORY, ListenerProcess
from shared.testing.results_recorder import ResultsRecorder, ToldNotice

pytestmark = pytest.mark.integration
REAL = REPOSITORY.parent / "shared" / "data"
needs_dcmtk = pytest.mark.skipif(not Path("/usr/bin/storescu").exists(), reason="dcmtk is not installed")
needs_data = pytest.mark.skipif(not REAL.exists(), reason="real inputs are absent")


class Series(Protocol):
    """Makes series of a study that belongs to one test alone."""

    def __call__(
        self, slices: int, patient: PatientAttributes | None = None, *, part: str = "", **study: Any
    ) -> tuple[Dataset, ...]: ...


@pytest.fixture
def series(request: pytest.FixtureRequest) -> Series:
    def make(
        slices: int, patient: PatientAttributes | None = None, *, part: str = "", **study: Any
    ) -> tuple[Dataset, ...]:
        return small_series(slices, patient, StudyAttributes(seed=request.node.nodeid + part, **study))

    return make


def _quarantined(listener: ListenerProcess, notice: ToldNotice) -> bytes:
    name = notice.request_id.removeprefix("notice-")
    return (listener.folder / "data" / "dicom" / "quarantine" / f"{name}.dcm").read_bytes()


def _storescu(port: int, *paths: Path, options: tuple[str, ...] = ()) -> int:
    command = ["/usr/bin/storescu", "-aec", "ONCORELAY", *options, "127.0.0.1", str(port), *map(str, paths)]
    return subprocess.run(command, capture_output=True, timeout=60).returncode


@needs_dcmtk
def test_a_series_becomes_one_study_with_its_evidence(
    listener: ListenerProcess, results: ResultsRecorder, tmp_path: Path, series: Series
) -> None:
    images = series(4, laterality="R")
    assert _storescu(listener.port, *save_series(images, tmp_path / "in")) == 0

    (study,) = results.wait_for_studies(1)

    assert study.identity == PatientIdentity("phantoms", "PHANTOM-1")
    assert study.demographics == Demographics(PatientAttributes().birth_date, Sex.FEMALE)
    assert (study.body_part, study.side, study.sender) == ("BREAST", Side.RIGHT, "STORESCU")
    assert study.completeness.evidence is CompletenessEvidence.ASSOCIATION_RELEASED
    assert {one.sop_instance_uid for one in study.instances} == {image.SOPInstanceUID for image in images}


def test_what_is_stored_is_what_was_sent(
    listener: ListenerProcess, results: ResultsRecorder, pacs: Sender, series: Series
) -> None:
    (image,) = series(1)
    pacs.send([image])

    (study,) = results.wait_for_studies(1)

    content = LocalBlobs(listener.folder / "data" / "blobs").read(study.instances[0].blob_uri)
    assert content.endswith(data_set_bytes(image))
    assert dcmread(BytesIO(content)) == dcmread(save_series([image], listener.folder / "sent")[0])


@needs_dcmtk
@needs_data
@pytest.mark.shared_data
@pytest.mark.parametrize(("name", "option"), [("MR1_JLSL", "-xt"), ("MR1_RLE", "-xr"), ("MR_Implicit_Little", "-xi")])
def test_real_objects_in_every_encoding_are_stored(
    name: str, option: str, listener: ListenerProcess, results: ResultsRecorder
) -> None:
    path = REAL / "dicom" / f"{name}.dcm"
    assert _storescu(listener.port, path, options=(option,)) == 0

    (study,) = results.wait_for_studies(1)

    stored = dcmread(LocalBlobs(listener.folder / "data" / "blobs").open(study.instances[0].blob_uri))
    assert stored.file_meta.TransferSyntaxUID == dcmread(path).file_meta.TransferSyntaxUID
    assert stored.pixel_array.any()
    assert study.identity is None


@needs_data
@pytest.mark.shared_data
def test_the_real_breast_volume_arrives_slice_for_slice(
    listener: ListenerProcess, results: ResultsRecorder, pacs: Sender
) -> None:
    array, _ = nrrd.read(str(REAL / "mri" / "breast1_image.nrrd"))
    volume = np.transpose(array, (2, 1, 0))
    images = mr_series(volume, VolumeGeometry(0.664062, 0.664062, 2.1), study=StudyAttributes(seed="breast1"))
    assert set(pacs.send(images)) == {0}

    (study,) = results.wait_for_studies(1)

    blobs = LocalBlobs(listener.folder / "data" / "blobs")
    stored = sorted((dcmread(blobs.open(one.blob_uri)) for one in study.instances), key=lambda one: one.InstanceNumber)
    assert np.array_equal(np.stack([one.pixel_array for one in stored]), volume)


def test_a_study_sent_again_is_not_submitted_again(
    listener: ListenerProcess, results: ResultsRecorder, pacs: Sender, series: Series
) -> None:
    first, second = series(3), series(1, part="second")
    pacs.send(first)
    results.wait_for_studies(1)
    assert pacs.send(first) == (0, 0, 0)
    pacs.send(second)

    studies = results.wait_for_studies(2)

    assert [study.study_instance_uid for study in studies] == [first[0].StudyInstanceUID, second[0].StudyInstanceUID]


def test_a_late_instance_submits_the_study_again(
    listener: ListenerProcess, results: ResultsRecorder, pacs: Sender, series: Series
) -> None:
    images = series(3)
    pacs.send(images[:2])
    results.wait_for_studies(1)
    pacs.send(images[2:])

    assert [len(study.instances) for study in results.wait_for_studies(2)] == [2, 3]


def test_a_corrected_identity_is_submitted_again(
    listener: ListenerProcess, results: ResultsRecorder, pacs: Sender, series: Series
) -> None:
    pacs.send(series(2))
    results.wait_for_studies(1)
    pacs.send(series(2, PatientAttributes(patient_id="CORRECTED")))

    before, after = results.wait_for_studies(2)

    assert after.identity == PatientIdentity("phantoms", "CORRECTED")
    assert [one.content_digest for one in before.instances] == [one.content_digest for one in after.instances]


def test_the_same_object_in_another_encoding_is_the_same_object(
    listener: ListenerProcess, results: ResultsRecorder, pacs: Sender, series: Series
) -> None:
    (image,) = series(1)
    pacs.send([image])
    results.wait_for_studies(1)
    implicit = deepcopy(image)
    implicit.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    implicit.set_original_encoding(is_implicit_vr=True, is_little_endian=True)
    assert pacs.send([implicit]) == (0,)
    pacs.send(series(1, part="second"))

    assert len({study.study_instance_uid for study in results.wait_for_studies(2)}) == 2
    assert results.notices == []


def test_other_pixels_under_a_known_uid_are_kept_apart_and_told(
    listener: ListenerProcess, results: ResultsRecorder, pacs: Sender, series: Series
) -> None:
    (image,) = series(1)
    pacs.send([image])
    results.wait_for_studies(1)
    clash = deepcopy(image)
    clash.PixelData = bytes(len(image.PixelData))

    assert pacs.send([clash]) == (0,)

    (notice,) = results.wait_for_notices(1)
    assert notice.kind == "dicom_uid_clash"
    assert image.SOPInstanceUID in notice.text
    assert "PHANTOM" not in notice.text
    assert _quarantined(listener, notice).endswith(data_set_bytes(clash))
    assert len(results.studies) == 1


def test_two_patients_in_one_study_are_named_as_a_conflict(
    listener: ListenerProcess, results: ResultsRecorder, pacs: Sender, series: Series
) -> None:
    images = series(2)
    images[1].PatientID = "SOMEBODY-ELSE"
    pacs.send(images)

    (study,) = results.wait_for_studies(1)

    assert (study.conflicts, study.identity) == (("PatientID",), None)


def test_a_missing_patient_id_arrives_as_a_study_without_identity(
    listener: ListenerProcess, results: ResultsRecorder, pacs: Sender, series: Series
) -> None:
    (image,) = series(1)
    del image.PatientID
    assert pacs.send([image]) == (0,)

    (study,) = results.wait_for_studies(1)

    assert study.identity is None


def _without_study_uid(image: Dataset) -> bytes:
    other = deepcopy(image)
    del other.StudyInstanceUID
    return data_set_bytes(other)


@pytest.mark.parametrize("content", [b"%PDF-1.7 this is a report, not an image" * 20, bytes(10)])
def test_what_does_not_even_begin_like_an_object_is_refused_at_the_door(
    content: bytes, listener: ListenerProcess, results: ResultsRecorder, pacs: Sender, series: Series
) -> None:
    (image,) = series(1)
    association = pacs.associate([image])
    status = send_raw(association, image, content)
    association.release()

    assert status.Status == 0xC000
    assert pacs.send([image]) == (0,)
    (study,) = results.wait_for_studies(1)
    assert len(study.instances) == 1


@pytest.mark.parametrize("fault", ["cut off", "no Study Instance UID"])
def test_what_turns_out_to_be_no_whole_object_is_kept_and_told(
    fault: str, listener: ListenerProcess, results: ResultsRecorder, pacs: Sender, series: Series
) -> None:
    """The bytes were on disk when Success was answered; what they are is found out in the jail, later."""
    (image,) = series(1)
    content = {"cut off": data_set_bytes(image)[:-100], "no Study Instance UID": _without_study_uid(image)}[fault]
    association = pacs.associate([image])
    status = send_raw(association, image, content)
    association.release()

    assert status.Status == 0
    (notice,) = results.wait_for_notices(1)
    assert notice.kind == "dicom_unreadable"
    assert _quarantined(listener, notice).endswith(content)
    assert results.studies == []


def test_pixels_that_are_not_there_are_told_and_the_study_is_submitted_all_the_same(
    listener: ListenerProcess, results: ResultsRecorder, pacs: Sender, series: Series
) -> None:
    (image,) = series(1)
    image.NumberOfFrames = 65535
    pacs.send([image])

    (study,) = results.wait_for_studies(1)
    (notice,) = results.wait_for_notices(1)
    assert len(study.instances) == 1
    assert notice.kind == "dicom_pixels_unreadable"
    assert "65535 frames are declared and 1 are there whole" in notice.text


def test_after_a_refusal_the_rest_of_the_study_still_arrives_but_only_quiet_is_evidence(
    listener: ListenerProcess, results: ResultsRecorder, pacs: Sender, series: Series
) -> None:
    images = series(2)
    association = pacs.associate(images)
    send_raw(association, images[0], b"\0" * 10)
    assert association.send_c_store(images[1]).Status == 0
    association.release()

    (study,) = results.wait_for_studies(1)

    assert study.completeness.evidence is CompletenessEvidence.QUIET_TIME


def test_our_own_output_that_comes_back_makes_nothing(
    listener: ListenerProcess, results: ResultsRecorder, pacs: Sender, series: Series
) -> None:
    images = series(2)
    own = series(1, series_number=99)[0]
    own.InstanceCreatorUID = "1.2.826.0.1.3680043.10.1490.0.1"
    pacs.send(images)
    results.wait_for_studies(1)
    assert pacs.send([own]) == (0,)
    pacs.send(series(1, part="second"))

    studies = results.wait_for_studies(2)

    assert [len(study.instances) for study in studies] == [2, 1]
    assert own.SOPInstanceUID in b"".join(path.read_bytes() for path in listener.journal.iterdir()).decode()


def test_no_log_line_or_path_says_whose_study_it_is(
    listener: ListenerProcess, results: ResultsRecorder, pacs: Sender, series: Series
) -> None:
    patient = PatientAttributes("CANARY-ID", "PHANTOMS", "Canary^Name")
    pacs.send(series(2, patient))
    results.wait_for_studies(1)

    paths = "\n".join(str(path) for path in listener.folder.rglob("*"))
    assert "CANARY" not in (listener.log + paths).upper()


@needs_dcmtk
def test_many_associations_at_once_lose_nothing(
    listener: ListenerProcess, results: ResultsRecorder, tmp_path: Path, series: Series
) -> None:
    folders = [tmp_path / f"study{number}" for number in range(6)]
    for folder in folders:
        save_series(series(5, part=folder.name), folder)
    command = ["/usr/bin/dcmsend", "+sd", "-aec", "ONCORELAY", "127.0.0.1", str(listener.port)]
    senders = [subprocess.Popen([*command, str(folder)], stdout=subprocess.DEVNULL) for folder in folders]

    assert [sender.wait(60) for sender in senders] == [0] * 6
    studies = results.wait_for_studies(6)
    assert [len(study.instances) for study in studies] == [5] * 6
