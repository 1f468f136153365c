"""Values lie where their patches lie."""

from __future__ import annotations

import numpy as np
import pytest

from shared.pathology.heat_grid import heat_grid, probability_grid
from shared.pathology.patch_table import NON_TUMOUR, POSITIVE
from tests.unit.shared.pathology.tables import table


def test_every_patch_has_its_cell_and_the_rest_has_none() -> None:
    given = table(5)
    grid = probability_grid(given)
    assert (grid.values.shape, grid.cell_px) == ((3, 4), 512.0)
    assert grid.values[0, 1] == given.probabilities[0, POSITIVE]
    assert grid.values[1, 1] == given.probabilities[4, POSITIVE]
    assert np.isnan(grid.values).sum() == 12 - 5
    assert probability_grid(given, NON_TUMOUR).values[0, 1] == given.probabilities[0, NON_TUMOUR]


def test_heat_lies_within_its_patch() -> None:
    given = table(5)
    grid = heat_grid(given)
    assert (grid.values.shape, grid.cell_px) == ((6, 8), 256.0)
    expected = given.heat[4].astype(np.float32) * given.probabilities[4, POSITIVE]
    assert grid.values[2:4, 2:4] == pytest.approx(expected)
    assert np.isnan(grid.values[:2, :2]).all()


def test_no_patches_give_an_empty_grid() -> None:
    assert np.isnan(heat_grid(table(0)).values).all()
    assert np.isnan(probability_grid(table(0)).values).all()
