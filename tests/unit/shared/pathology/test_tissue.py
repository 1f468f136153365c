"""Tissue is found however pale and small; glass and ink are not tissue."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shared.domain.slides import Cropping
from shared.pathology.grid import CropGrid
from shared.pathology.tissue import tissue_mask, tissue_shares
from tests.unit.shared.pathology.overviews import CLEAR, UM, glass, ink, lay
from tests.unit.shared.pathology.stained import overview, real_slide

HERE = (slice(60, 120), slice(80, 160))


def test_tissue_is_found_and_nothing_else() -> None:
    slide = glass()
    lay(slide, HERE, (0.4, 0.5))
    found = tissue_mask(slide, UM)
    assert found[HERE].mean() > 0.98
    found[57:123, 77:163] = False
    assert not found.any()


@pytest.mark.parametrize("colour", [CLEAR, (238, 222, 232), (228, 226, 214)])
def test_glass_of_any_tint_is_no_tissue(colour: tuple[int, int, int]) -> None:
    assert not tissue_mask(glass(colour=colour), UM).any()


def test_pale_tissue_stays_on_tinted_glass() -> None:
    slide = glass(colour=(238, 222, 232))
    lay(slide, HERE, (0.04, 0.13))
    assert tissue_mask(slide, UM)[HERE].mean() > 0.9


def test_a_fragment_of_a_tenth_of_a_millimetre_stays_and_dust_does_not() -> None:
    slide = glass()
    lay(slide, (slice(30, 43), slice(30, 43)), (0.4, 0.5))
    slide[150:153, 200:202] = 60
    found = tissue_mask(slide, UM)
    assert found[31:42, 31:42].all()
    assert not found[140:160, 190:210].any()


def test_a_darker_tint_on_part_of_the_glass_is_no_tissue() -> None:
    slide = glass()
    slide[:, 150:] = (slide[:, 150:] * np.array([0.93, 0.88, 0.92])).astype(np.uint8)
    lay(slide, HERE, (0.4, 0.5))
    found = tissue_mask(slide, UM)
    assert found[60:120, 82:145].mean() > 0.98
    assert not found[:50].any()
    assert not found[130:].any()


def test_what_was_never_scanned_is_no_tissue_and_does_not_move_the_glass() -> None:
    slide = glass(colour=(226, 214, 222))
    slide[:, :60] = 255
    lay(slide, HERE, (0.3, 0.5))
    found = tissue_mask(slide, UM)
    assert found[HERE].mean() > 0.98
    assert found.sum() < 1.15 * 60 * 80


@pytest.mark.parametrize("colour", [(40, 60, 170), (30, 130, 70), (205, 30, 40), (25, 25, 28)])
def test_ink_is_no_tissue(colour: tuple[int, int, int]) -> None:
    slide = glass()
    ink(slide, (slice(20, 190), slice(200, 225)), colour)
    lay(slide, HERE, (0.4, 0.5))
    found = tissue_mask(slide, UM)
    assert found[HERE].mean() > 0.95
    assert not found[:, 190:].any()


def test_black_white_and_tiny_overviews_have_no_tissue() -> None:
    for value in (0, 255):
        assert not tissue_mask(np.full((50, 60, 3), value, dtype=np.uint8), UM).any()
    assert tissue_mask(np.zeros((1, 1, 3), dtype=np.uint8), UM).shape == (1, 1)


def test_shares_are_areas_at_fractional_edges() -> None:
    mask = np.zeros((10, 10), dtype=bool)
    mask[:, :5] = True
    grid = CropGrid(Cropping.MICROMETRES, 60, 30.0, 2, 2)
    shares = tissue_shares(mask, 8.0, grid, 0.5)
    assert shares.tolist() == pytest.approx([1, 5 / 3.75 - 1, 1, 5 / 3.75 - 1])
    assert tissue_shares(np.ones((3, 3), bool), 8.0, grid, 0.5)[3] == 0


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "share"), [("CMU-1-Small-Region.svs", (0.35, 0.50)), ("tcga-cr-7395-01a-01-ts1.svs", (0.60, 0.70))]
)
def test_real_slides_have_the_tissue_one_sees(shared_data: Path, name: str, share: tuple[float, float]) -> None:
    found = tissue_mask(overview(real_slide(shared_data, name), 0.5), UM)
    assert share[0] < found.mean() < share[1]
