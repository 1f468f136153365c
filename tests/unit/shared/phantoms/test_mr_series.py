"""A phantom series is valid DICOM, the same every time, and shows the array it was made from."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from shared.phantoms.blob import blob_volume
from shared.phantoms.modules import PatientAttributes
from shared.phantoms.mr_series import StudyAttributes, VolumeGeometry, mr_series
from shared.testing.dicom import encoded, save_series, small_series

DCIODVFY = shutil.which("dciodvfy", path="/usr/bin")


def test_the_same_seed_makes_the_same_bytes() -> None:
    assert [encoded(image) for image in small_series()] == [encoded(image) for image in small_series()]


def test_another_seed_makes_other_uids() -> None:
    ours, theirs = small_series(1)[0], small_series(1, study=StudyAttributes(seed="other"))[0]

    assert ours.StudyInstanceUID != theirs.StudyInstanceUID
    assert ours.SOPInstanceUID != theirs.SOPInstanceUID


def test_each_slice_shows_its_part_of_the_array() -> None:
    volume = blob_volume((4, 10, 12))

    images = mr_series(volume, VolumeGeometry(1.0, 1.0, 2.0))

    assert np.array_equal(np.stack([image.pixel_array for image in images]), volume)


def test_slices_follow_each_other_along_the_normal() -> None:
    geometry = VolumeGeometry(1.0, 1.0, 2.5, origin_mm=(1.0, 2.0, 3.0), orientation=(0, 1, 0, 0, 0, -1))

    assert geometry.position_mm(2) == (-4.0, 2.0, 3.0)


def test_the_blob_lies_off_centre_on_every_axis() -> None:
    volume = blob_volume()

    for axis in range(3):
        assert not np.array_equal(np.flip(volume, axis) > 1000, volume > 1000)


def test_values_beyond_twelve_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="0 to 4095"):
        mr_series(np.full((1, 2, 2), 5000), VolumeGeometry(1, 1, 1))


@pytest.mark.integration
@pytest.mark.skipif(DCIODVFY is None, reason="dicom3tools is not installed")
@pytest.mark.parametrize(("laterality", "wrong"), [("", ["Warning"]), ("L", [])])
def test_the_judge_finds_nothing_wrong_but_a_side_left_open(laterality: str, wrong: list[str], tmp_path: Path) -> None:
    images = small_series(1, PatientAttributes(), StudyAttributes(laterality=laterality))
    (path,) = save_series(images, tmp_path)

    verdict = subprocess.run([str(DCIODVFY), str(path)], capture_output=True, text=True, timeout=20)

    lines = verdict.stderr.splitlines()
    assert [line.split()[0] for line in lines if line.startswith(("Error", "Warning"))] == wrong
