"""Patches and overviews are area averages of the best level, wherever the levels are."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from shared.domain.slides import PyramidLevel
from shared.pathology.trouble import SlideTrouble
from shared.slides.opening import opened
from shared.slides.overview import MOST_OVERVIEW_PX, draw_overview, overview_size
from shared.slides.patches import PatchReading, best_level
from shared.slides.port import SlideReader
from shared.testing.slide_files import painted, write_slide

RGB = painted(1500, 1100)


@pytest.fixture(scope="module", params=[1, 3])
def reader(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SlideReader:
    path = write_slide(tmp_path_factory.mktemp("slide") / "a.tiff", RGB, levels=request.param)
    found = opened([path])
    assert not isinstance(found, SlideTrouble)
    return found


def test_the_level_is_the_coarsest_that_is_still_fine_enough() -> None:
    levels = tuple(PyramidLevel(100, 100, one) for one in (1.0, 4.0003, 16.01))
    assert [best_level(levels, one) for one in (0.2, 1.0, 3.9, 4.0, 15.0, 16.0, 100.0)] == [0, 0, 0, 1, 1, 2, 2]


def test_a_patch_at_the_slides_own_scale_is_its_pixels(reader: SlideReader) -> None:
    assert (PatchReading(reader, 224, 224).rgb(300, 200) == RGB[200:424, 300:524]).all()


def test_a_large_patch_is_the_area_average_of_level_0_whatever_level_was_read(reader: SlideReader) -> None:
    found = PatchReading(reader, 896, 224).rgb(128, 64).astype(int)
    mean = np.asarray(Image.fromarray(RGB[64:960, 128:1024]).resize((224, 224), Image.Resampling.BOX)).astype(int)
    assert np.abs(found - mean).max() <= 2


def test_a_small_patch_is_enlarged(reader: SlideReader) -> None:
    found = PatchReading(reader, 64, 224).rgb(100, 100)
    assert found.shape == (224, 224, 3)
    assert np.abs(found.mean(axis=(0, 1)) - RGB[100:164, 100:164].mean(axis=(0, 1))).max() < 2


def test_an_overview_in_pieces_is_the_slide_in_one(reader: SlideReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.slides.overview._PIECE_PX", 300)
    size = overview_size(1500, 1100, 4.0)
    assert (size.width, size.height, size.shrink) == (375, 275, 4.0)
    out = np.zeros((275, 375, 3), np.uint8)
    draw_overview(reader, size, out)
    whole = np.asarray(Image.fromarray(RGB).resize((375, 275), Image.Resampling.BOX)).astype(int)
    assert np.abs(out.astype(int) - whole).max() <= 2


def test_an_overview_is_coarser_where_it_would_be_too_large_and_never_finer_than_the_slide() -> None:
    vast = overview_size(400_000, 300_000, 16.0)
    assert vast.width * vast.height <= MOST_OVERVIEW_PX
    assert vast.shrink > 16.0
    assert overview_size(100, 80, 0.25).shrink == 1.0
