"""A DICOM slide is all instances of its pyramid: every level, by both readers, and none of another slide's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from shared.domain.errors import InvalidInputError
from shared.domain.slides import ResolutionSource
from shared.pathology.trouble import SlideTrouble
from shared.phantoms.modules import PatientAttributes
from shared.phantoms.slides.glass import Glass
from shared.phantoms.slides.optics import SCANNERS
from shared.phantoms.slides.pyramid import pyramid
from shared.phantoms.slides.wsm import slide_objects
from shared.slides.opening import opened
from shared.slides.openslide_reader import OpenSlideReader
from shared.slides.port import SlideReader
from shared.slides.resolution import gated
from shared.slides.wsidicom_reader import WsiDicomReader
from shared.testing.slide_files import painted

RGB = painted(1280, 768)
GLASS = Glass("a-pyramid", PatientAttributes(patient_id="MRN1", birth_date=date(1971, 4, 5), sex="F"),
              "S26-1", "S26-1-A", "A2", "B-1")  # fmt: skip
READERS = (OpenSlideReader, WsiDicomReader)


def written(folder: Path, objects: Sequence[Dataset]) -> list[Path]:
    """Write each instance as a file of its own; return them, level 0 first."""
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{number:02d}.dcm" for number in range(len(objects))]
    for path, one in zip(paths, objects, strict=True):
        one.save_as(path, enforce_file_format=True)
    return paths


@pytest.fixture(scope="module")
def levels() -> tuple[Dataset, ...]:
    return slide_objects(pyramid(RGB), SCANNERS[0], GLASS)


@pytest.mark.parametrize("reads", READERS)
def test_every_instance_is_a_level_and_all_are_the_same_picture(
    reads: Callable[[Sequence[Path]], SlideReader], levels: tuple[Dataset, ...], tmp_path: Path
) -> None:
    reader = reads(written(tmp_path / "slide", levels))
    found = reader.description
    assert [(one.width, one.height) for one in found.levels] == [
        (one.TotalPixelMatrixColumns, one.TotalPixelMatrixRows) for one in levels
    ]
    assert len(found.levels) == 3
    assert (found.accession, found.container, found.specimens) == (GLASS.accession, GLASS.container, (GLASS.specimen,))
    assert found.frame_of_reference_uid == GLASS.frame_of_reference_uid

    whole = np.asarray(reader.region(0, 0, 0, 1280, 768)).astype(int)
    assert np.abs(whole - RGB).mean() < 8
    for level, one in enumerate(found.levels):
        small = np.asarray(reader.region(0, 0, level, one.width, one.height, (20, 12))).astype(int)
        peer = np.asarray(reader.region(0, 0, 0, 1280, 768, (20, 12))).astype(int)
        assert np.abs(small - peer).mean() < 8, level
    reader.close()


@pytest.mark.parametrize("reads", READERS)
def test_its_resolution_is_that_of_the_widest_level_whatever_the_order_of_the_files(
    reads: Callable[[Sequence[Path]], SlideReader], levels: tuple[Dataset, ...], tmp_path: Path
) -> None:
    reader = reads(written(tmp_path / "slide", levels)[::-1])
    passed = gated(reader.description)
    assert not isinstance(passed, SlideTrouble)
    assert passed.x == pytest.approx(SCANNERS[0].microns_per_pixel)
    assert passed.source is ResolutionSource.DICOM
    reader.close()


def test_a_level_that_lacks_is_no_level_and_nothing_is_made_up_for_it(
    levels: tuple[Dataset, ...], tmp_path: Path
) -> None:
    reader = opened(written(tmp_path / "slide", levels[::2]))
    assert not isinstance(reader, SlideTrouble)
    assert [one.width for one in reader.description.levels] == [1280, levels[2].TotalPixelMatrixColumns]
    reader.close()


def test_where_level_0_lacks_the_resolution_is_that_of_what_is_there(
    levels: tuple[Dataset, ...], tmp_path: Path
) -> None:
    reader = opened(written(tmp_path / "slide", levels[1:]))
    assert not isinstance(reader, SlideTrouble)
    stated = reader.description.stated[0].x
    assert stated == pytest.approx(SCANNERS[0].microns_per_pixel * 4, rel=0.01)
    reader.close()


@pytest.mark.parametrize("reads", READERS)
def test_an_instance_of_another_slide_never_mixes_in(
    reads: Callable[[Sequence[Path]], SlideReader], levels: tuple[Dataset, ...], tmp_path: Path
) -> None:
    other = slide_objects(pyramid(255 - RGB), SCANNERS[0], replace(GLASS, seed="another", container="B-2"))
    paths = written(tmp_path / "slide", [levels[0], *other[1:]])
    try:
        reader = reads(paths)
    except InvalidInputError:
        return
    assert len(reader.description.levels) == 1
    reader.close()
