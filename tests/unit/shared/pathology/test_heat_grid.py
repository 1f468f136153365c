"""Values lie where their patches lie."""

from __future__ import annotations

import numpy as np
import pytest

from shared.pathology.heat_grid import heat_grid
from shared.pathology.patch_table import POSITIVE
from tests.unit.shared.pathology.tables import table


def test_heat_lies_within_its_patch() -> None:
    given = table(5)
    grid = heat_grid(given)
    assert (grid.values.shape, grid.cell_px) == ((6, 8), 256.0)
    expected = given.heat[4].astype(np.float32) * given.probabilities[4, POSITIVE]
    assert grid.values[2:4, 2:4] == pytest.approx(expected)
    assert np.isnan(grid.values[:2, :2]).all()
    assert np.isnan(grid.values).sum() == (12 - 5) * 4


def test_no_patches_give_an_empty_grid() -> None:
    assert np.isnan(heat_grid(table(0)).values).all()
