"""Planes and masks come onto a grid exactly where the lattices agree, and by the nearest voxel elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from shared.domain.errors import InvalidInputError
from shared.imaging.placing import Plane, place_mask, place_planes, plane_matrix, planes_of
from shared.imaging.volume import Affine, Grid, Mask

AFFINE = np.array([[0, 0, 0.7, -20.0], [0, 0.8, 0, -30.0], [2.0, 0, 0, 5.0], [0, 0, 0, 1]])
GRID = Grid((6, 10, 12), AFFINE)


def mask(grid: Grid = GRID, seed: int = 1) -> Mask:
    return Mask(np.random.default_rng(seed).random(grid.shape) < 0.3, grid)


def moved(affine: Affine, millimetres: tuple[float, float, float]) -> Affine:
    other = affine.copy()
    other[:3, 3] += millimetres
    return other


def test_planes_in_any_order_come_back_to_their_slices() -> None:
    drawn = mask()
    planes = [planes_of(drawn)[n] for n in (3, 0, 5, 1, 4, 2)]

    placed = place_planes(planes, GRID)

    assert placed.exact
    assert np.array_equal(placed.mask.bits, drawn.bits)


def test_planes_that_are_missing_are_empty() -> None:
    drawn = mask()

    placed = place_planes([planes_of(drawn)[n] for n in (1, 4)], GRID)

    assert placed.mask.bits.any(axis=(1, 2)).tolist() == [False, True, False, False, True, False]


def test_two_planes_in_one_place_are_joined() -> None:
    first, second = mask(seed=1), mask(seed=2)

    placed = place_planes([planes_of(first)[2], planes_of(second)[2]], GRID)

    assert np.array_equal(placed.mask.bits[2], first.bits[2] | second.bits[2])


def test_rounded_headers_still_agree() -> None:
    other = Grid(GRID.shape, moved(AFFINE, (0.05, -0.05, 0.1)))

    assert place_mask(mask(other), GRID).exact


def test_half_a_voxel_aside_is_another_lattice() -> None:
    other = Grid(GRID.shape, moved(AFFINE, (0.35, 0, 0)))

    assert not place_mask(mask(other), GRID).exact


def test_a_spacing_that_drifts_by_a_voxel_over_the_field_is_another_lattice() -> None:
    wider = AFFINE.copy()
    wider[0, 2] *= 1.1

    assert not place_mask(mask(Grid(GRID.shape, wider)), GRID).exact


def test_what_lies_beside_the_grid_is_counted() -> None:
    whole = Mask(np.ones(GRID.shape, dtype=np.bool_), Grid(GRID.shape, moved(AFFINE, (0, 0, 4.0))))

    placed = place_mask(whole, GRID)

    assert placed.exact
    assert placed.outside == pytest.approx(2 / 6)
    assert placed.drawn == whole.count


def test_the_nearest_voxel_is_the_nearest_by_a_slow_search() -> None:
    angle = np.deg2rad(20)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    affine = AFFINE.copy()
    affine[:3, :3] = turn @ affine[:3, :3] * 0.83
    drawn = mask(Grid((7, 11, 9), affine))

    placed = place_mask(drawn, GRID)

    assert not placed.exact
    for voxel in np.ndindex(*GRID.shape):
        index = np.rint(drawn.grid.index(GRID.place(np.array(voxel, dtype=float)))).astype(int)
        inside = bool(((index >= 0) & (index < drawn.grid.shape)).all())
        assert placed.mask.bits[voxel] == (inside and drawn.bits[tuple(index)])


def test_planes_between_the_slices_become_a_lattice_of_their_own() -> None:
    between = Grid((6, 10, 12), moved(AFFINE, (0, 0, 0.9)))
    drawn = mask(between)

    placed = place_planes(planes_of(drawn), GRID)

    assert not placed.exact
    assert np.array_equal(placed.mask.bits, place_mask(drawn, GRID).mask.bits)


def test_one_plane_off_the_lattice_needs_a_thickness() -> None:
    (plane,) = [planes_of(mask(Grid(GRID.shape, moved(AFFINE, (0, 0, 0.9)))))[2]]

    with pytest.raises(InvalidInputError, match="how far they lie apart"):
        place_planes([plane], GRID)
    assert place_planes([plane], GRID, 2.0).mask.bits[2].any()


def test_planes_of_two_lattices_are_refused() -> None:
    drawn = planes_of(mask(Grid(GRID.shape, moved(AFFINE, (0.3, 0, 0)))))
    other = planes_of(mask(Grid((6, 8, 12), moved(AFFINE, (0.3, 0, 0)))))

    with pytest.raises(InvalidInputError, match="one lattice"):
        place_planes([*drawn[:3], *other[3:]], GRID)


def test_no_planes_are_an_empty_mask() -> None:
    assert place_planes([], GRID).drawn == 0


@pytest.mark.parametrize(
    ("orientation", "spacing"),
    [((1, 0, 0, 1, 0, 0), (1, 1)), ((1, 0, 0, 0, 1, 0), (0, 1)), ((np.nan, 0, 0, 0, 1, 0), (1, 1)), ((1, 0), (1, 1))],
)
def test_a_plane_without_a_plane_is_refused(orientation: tuple[float, ...], spacing: tuple[float, float]) -> None:
    with pytest.raises(InvalidInputError, match="place no plane"):
        plane_matrix((0, 0, 0), orientation, spacing)


def test_planes_far_apart_span_no_volume() -> None:
    def plane(z: float) -> Plane:
        return Plane(
            plane_matrix((0.1, 0, z), (1, 0, 0, 0, 1, 0), (1, 1)), 4, 4, lambda: np.ones((4, 4), dtype=np.bool_)
        )

    with pytest.raises(InvalidInputError, match="span more"):
        place_planes([plane(0.0), plane(0.02), plane(50_000.0)], GRID)
