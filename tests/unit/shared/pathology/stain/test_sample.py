"""The pixels a slide's stains are fitted on are spread over its tissue, the same ones every time."""

from __future__ import annotations

import numpy as np

from shared.pathology.stain.sample import sample_corners, spread, tissue_pixels
from tests.unit.shared.pathology.stained import painted


def test_glass_is_left_out() -> None:
    region = np.full((40, 40, 3), 245, dtype=np.uint8)
    region[:10] = (150, 60, 120)
    assert tissue_pixels(region).shape == (400, 3)


def test_pixels_are_taken_evenly() -> None:
    many = np.arange(300, dtype=np.uint8).reshape(100, 3)
    assert spread(many, 5)[:, 0].tolist() == [many[n, 0] for n in (0, 24, 49, 74, 99)]
    assert spread(many, 100) is many
    assert len(spread(painted().reshape(-1, 3))) == 20_000


def test_squares_lie_on_tissue_within_the_slide() -> None:
    tissue = np.zeros((100, 50), dtype=bool)
    tissue[40:60, :10] = True
    corners = sample_corners(tissue, 8.0, 0.5, 512, count=9)
    assert corners.shape == (9, 2)
    assert corners.min() >= 0
    assert (corners + 512 <= [800, 1600]).all()
    centres = (corners[corners[:, 0] > 0] + 256) * 0.5 / 8
    assert tissue[centres[:, 1].astype(int), centres[:, 0].astype(int)].all()


def test_no_tissue_gives_no_squares() -> None:
    assert sample_corners(np.zeros((5, 5), dtype=bool), 8.0, 0.5, 512).shape == (0, 2)
