"""Label, overview and thumbnail in a series of their own are known by Image Type alone, and are no slide."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from shared.pathology.trouble import SlideProblem, SlideTrouble
from shared.phantoms.slides.glass import Glass, label_picture
from shared.phantoms.slides.optics import SCANNERS
from shared.phantoms.slides.pyramid import encoded_level, pyramid
from shared.phantoms.slides.wsm import beside_object, slide_objects
from shared.slides.associated import KINDS, associated
from shared.slides.opening import opened
from shared.testing.slide_files import painted
from tests.unit.shared.slides.test_dicom_pyramid import written

GLASS = Glass("beside")


def beside(kind: str) -> Dataset:
    return beside_object(kind, encoded_level(label_picture(GLASS.container)), SCANNERS[0], GLASS)


@pytest.mark.parametrize("kind", KINDS)
def test_each_of_them_alone_is_no_slide(kind: str, tmp_path: Path) -> None:
    found = opened(written(tmp_path / "series", [beside(kind)]), GLASS.container)
    assert isinstance(found, SlideTrouble)
    assert (found.problem, found.remedy) == (SlideProblem.ASSOCIATED, "")
    assert found.text == f"It holds only the {KINDS[kind]} of a slide, and is no slide of its own."


def test_a_series_of_label_and_overview_is_no_slide_either(tmp_path: Path) -> None:
    found = associated(written(tmp_path / "series", [beside("LABEL"), beside("OVERVIEW")]))
    assert found is not None
    assert "label and the overview" in found.text


def test_nothing_behind_the_image_type_is_read(tmp_path: Path) -> None:
    (path,) = written(tmp_path / "series", [beside("LABEL")])
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"VL Whole") if b"VL Whole" in content else 700])
    found = opened([path])
    assert isinstance(found, SlideTrouble)
    assert found.problem is SlideProblem.ASSOCIATED


@pytest.mark.parametrize("at", [0, 1])
def test_beside_a_level_in_the_same_series_they_are_part_of_the_slide(at: int, tmp_path: Path) -> None:
    objects = list(slide_objects(pyramid(painted(300, 200)), SCANNERS[0], GLASS))
    objects.insert(at, beside("LABEL"))
    assert associated(written(tmp_path / "series", objects)) is None


def test_another_kind_of_object_and_a_file_that_is_none_are_left_to_the_readers(tmp_path: Path) -> None:
    other = beside("LABEL")
    other.SOPClassUID = other.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(bytes(128) + b"DICM" + b"\xff" * 40)
    assert associated(written(tmp_path / "series", [other])) is None
    assert associated([broken]) is None
    found = opened([broken])
    assert isinstance(found, SlideTrouble)
    assert found.problem is SlideProblem.UNREADABLE
