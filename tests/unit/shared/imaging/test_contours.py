"""Contours enclose the voxels whose centres lie inside an odd number of them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.domain.errors import InvalidInputError
from shared.imaging.contours import fill_contours
from shared.imaging.volume import Grid

GRID = Grid((8, 20, 24), np.array([[0, 0, 0.5, -6.0], [0, 0.8, 0, -8.0], [2.0, 0, 0, -7.0], [0, 0, 0, 1]]))


def square(level: float, low: float, high: float) -> NDArray[np.float64]:
    """Return a square in indices (row and column from ``low`` to ``high``), placed in the patient."""
    corners = np.array([[level, low, low], [level, low, high], [level, high, high], [level, high, low]])
    return GRID.place(corners)


def test_a_square_encloses_the_centres_inside() -> None:
    filled = fill_contours([square(3, 4.5, 9.5)], GRID).mask

    assert filled.box == ((3, 5, 5), (4, 10, 10))
    assert filled.count == 25


def test_a_contour_inside_another_is_a_hole_and_one_inside_that_is_none() -> None:
    filled = fill_contours([square(3, 1.5, 15.5), square(3, 4.5, 12.5), square(3, 7.5, 9.5)], GRID).mask

    assert filled.count == 14 * 14 - 8 * 8 + 2 * 2


def test_two_contours_beside_each_other_are_both_filled() -> None:
    assert fill_contours([square(3, 1.5, 4.5), square(3, 9.5, 12.5)], GRID).mask.count == 18


@pytest.mark.parametrize("seed", range(8))
def test_any_polygon_is_filled_as_a_slow_test_of_each_centre_fills_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = np.column_stack((np.full(9, 2.0), rng.uniform(-3, 22, 9), rng.uniform(-3, 26, 9)))

    filled = fill_contours([GRID.place(corners)], GRID).mask.bits[2]

    for row in range(20):
        for column in range(24):
            crossings = 0
            for (_, r0, c0), (_, r1, c1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
                if (r0 > row) != (r1 > row):
                    crossings += c0 + (row - r0) * (c1 - c0) / (r1 - r0) > column
            assert filled[row, column] == bool(crossings % 2)


def test_contours_through_voxel_centres_fill_the_same_whatever_the_last_bit_says() -> None:
    counts = {fill_contours([square(3, 4 + jitter, 9 + jitter)], GRID).mask.count for jitter in (-1e-9, 0.0, 1e-9)}

    assert counts == {25}


def test_planes_twice_as_far_apart_as_slices_fill_those_between() -> None:
    filled = fill_contours([square(level, 4.5, 9.5) for level in (1, 3, 5)], GRID)

    assert not filled.exact
    assert filled.mask.bits.any(axis=(1, 2)).tolist() == [True, True, True, True, True, True, True, False]


def test_planes_between_slices_go_to_the_nearest() -> None:
    filled = fill_contours([square(2.4, 4.5, 9.5), square(3.4, 4.5, 10.5)], GRID)

    assert not filled.exact
    assert filled.mask.bits.sum(axis=(1, 2)).tolist() == [0, 0, 25, 36, 0, 0, 0, 0]


def test_two_lesions_with_slices_between_them_stay_two() -> None:
    levels = (0, 1, 2, 5, 6, 7)

    filled = fill_contours([square(level, 4.5, 9.5) for level in levels], GRID)

    assert filled.exact
    assert np.flatnonzero(filled.mask.bits.any(axis=(1, 2))).tolist() == list(levels)


def test_contours_across_the_slices_are_filled_in_their_own_plane() -> None:
    corners = np.array([[1.5, 6.0, 3.5], [1.5, 6.0, 7.5], [5.5, 6.0, 7.5], [5.5, 6.0, 3.5]])

    filled = fill_contours([GRID.place(corners)], GRID).mask

    assert filled.box == ((2, 6, 4), (6, 7, 8))


def test_contours_in_no_plane_of_the_grid_are_refused() -> None:
    tilted = GRID.place(np.array([[1.0, 2, 2], [3.0, 2, 9], [5.0, 9, 9], [2.0, 9, 2]]))

    with pytest.raises(InvalidInputError, match="planes of the images"):
        fill_contours([tilted], GRID)


def test_what_lies_outside_the_images_is_said() -> None:
    assert fill_contours([square(20, 4.5, 9.5)], GRID).outside == 1.0
    assert fill_contours([square(3, 4.5, 9.5)], GRID).outside == 0.0


def test_points_and_lines_enclose_nothing() -> None:
    assert fill_contours([square(3, 4, 9)[:2]], GRID).mask.count == 0
