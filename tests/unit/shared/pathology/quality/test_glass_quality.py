"""Pen and folds are found where they are, and not elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.domain.slides import Cropping
from shared.pathology.grid import CropGrid
from shared.pathology.quality.flags import FOLD, PEN
from shared.pathology.quality.glass_quality import examined
from tests.unit.shared.pathology.overviews import UM, glass, ink, lay
from tests.unit.shared.pathology.stained import overview, real_slide

TISSUE = (slice(20, 180), slice(20, 240))
BAND = (slice(30, 170), slice(100, 110))


def test_clean_glass_has_neither() -> None:
    slide = glass()
    lay(slide, TISSUE, (0.4, 0.5))
    found = examined(slide, UM)
    assert not found.pen.any()
    assert not found.fold.any()


@pytest.mark.parametrize("colour", [(40, 60, 170), (30, 130, 70), (205, 30, 40), (25, 25, 28)])
def test_a_stroke_of_a_pen_is_found(colour: tuple[int, int, int]) -> None:
    slide = glass()
    lay(slide, (slice(20, 180), slice(20, 150)), (0.4, 0.5))
    stroke = (slice(20, 190), slice(200, 225))
    ink(slide, stroke, colour)
    found = examined(slide, UM)
    assert found.pen[stroke].mean() > 0.9
    assert not found.pen[:, :190].any()


def test_tissue_lying_double_is_a_fold() -> None:
    slide = glass()
    lay(slide, TISSUE, (0.4, 0.5))
    lay(slide, BAND, (0.4, 0.5))
    found = examined(slide, UM)
    assert found.fold[40:160, 103:107].mean() > 0.8
    assert found.fold.sum() < 2 * 140 * 10


def test_crowded_nuclei_are_no_fold() -> None:
    slide = glass()
    lay(slide, TISSUE, (0.4, 0.5))
    lay(slide, BAND, (0.9, 0.05))
    assert examined(slide, UM).fold.mean() < 0.002


def test_patches_under_a_pen_or_in_a_fold_are_flagged() -> None:
    slide = glass()
    lay(slide, TISSUE, (0.4, 0.5))
    lay(slide, BAND, (0.4, 0.5))
    ink(slide, (slice(0, 200), slice(215, 240)), (30, 130, 70))
    grid = CropGrid(Cropping.MICROMETRES, 640, 320.0, 6, 5)
    flags = examined(slide, UM).flags(grid, 0.5).reshape(5, 6)
    assert (flags[1:4, 2] == FOLD).all()
    assert (flags[1:4, 5] == PEN).all()
    assert not flags[:, :2].any()


@pytest.mark.shared_data
def test_real_slides_have_the_artefacts_one_sees(shared_data: Path) -> None:
    clean = examined(overview(real_slide(shared_data, "CMU-1-Small-Region.svs"), 0.5), UM)
    folded = examined(overview(real_slide(shared_data, "tcga-cr-7395-01a-01-ts1.svs"), 0.5), UM)
    assert not clean.pen.any()
    assert not folded.pen.any()
    assert clean.fold.mean() < 0.004
    bottom = folded.fold[200:, 150:]
    assert bottom.sum() > 100
    assert 0.002 < folded.fold.mean() < 0.03
