"""A disk that really is full: refused transiently, nothing lost, and well again once there is space."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from shared.phantoms.mr_series import StudyAttributes
from shared.testing.dicom import Sender, small_series
from shared.testing.listener_process import ListenerProcess
from shared.testing.ports import wait_until
from shared.testing.results_recorder import ResultsRecorder

pytestmark = [
    pytest.mark.integration,
    pytest.mark.faults,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root"),
]
_SIZE_MB = 48


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_SIZE_MB}m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def listener(small_disk: Path) -> Iterator[ListenerProcess]:
    process = ListenerProcess(small_disk, extra="settle_s = 0.2\nquiet_s = 1.0", min_free_mb=8)
    process.start()
    yield process
    process.stop()


@pytest.fixture
def results(listener: ListenerProcess) -> Iterator[ResultsRecorder]:
    recorder = ResultsRecorder()
    recorder.start(f"127.0.0.1:{listener.results_port}")
    yield recorder
    recorder.stop()


def _large(seed: str, megabytes: int) -> Dataset:
    (image,) = small_series(1, study=StudyAttributes(seed=seed))
    image.PixelData = bytes(megabytes << 20)
    return image


def test_a_disk_below_its_watermark_refuses_until_there_is_space_again(
    listener: ListenerProcess, results: ResultsRecorder, small_disk: Path
) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(bytes((_SIZE_MB - 6) << 20))
    association = _refused(listener.port)
    assert association
    filler.unlink()

    (image,) = small_series(1)
    wait_until(lambda: not _refused(listener.port), "the door to open again")
    assert Sender(listener.port).send([image]) == (0,)
    (study,) = results.wait_for_studies(1)
    assert {one.sop_instance_uid for one in study.instances} == {image.SOPInstanceUID}


def _refused(port: int) -> bool:
    """Tell whether a sender is turned away: its association, or its object, transiently."""
    try:
        association = Sender(port).associate(small_series(1))
    except ConnectionError:
        return True
    status = association.send_c_store(small_series(1)[0]).Status
    association.release()
    return bool(status == 0xA700)


def test_a_disk_that_fills_up_in_mid_object_costs_that_object_only(
    listener: ListenerProcess, results: ResultsRecorder
) -> None:
    kept = _large("kept", 10)
    too_much = _large("too much", 44)
    sender = Sender(listener.port)
    assert sender.send([kept]) == (0,)
    assert sender.send([too_much]) == (0xA700,)
    after = small_series(2, study=StudyAttributes(seed="after"))

    assert sender.send(after) == (0, 0)
    studies = results.wait_for_studies(2)
    assert {study.study_instance_uid for study in studies} == {kept.StudyInstanceUID, after[0].StudyInstanceUID}
