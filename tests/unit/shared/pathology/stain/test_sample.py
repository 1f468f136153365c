"""The pixels a slide's stains are fitted on are spread over its tissue, the same ones every time."""

from __future__ import annotations

import numpy as np

from shared.pathology.stain.sample import fitted_on, spread, tissue_pixels
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


def test_patches_to_fit_on_are_spread_over_those_on_tissue_and_few_are_all_taken() -> None:
    many = np.arange(100, 1100)
    chosen = fitted_on(many)
    assert (len(chosen), chosen[0], chosen[-1]) == (24, 100, 1099)
    assert set(np.diff(chosen)) <= {43, 44}
    assert fitted_on(many[:7]).tolist() == many[:7].tolist()
    assert fitted_on(many[:0]).tolist() == []
