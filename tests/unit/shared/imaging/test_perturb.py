"""A perturbed region is the same every time, and what its name says."""

from __future__ import annotations

import numpy as np
import pytest

from shared.imaging.perturb import grown_by_mm, grown_by_share, grown_by_voxels, perturbations, shifted
from shared.imaging.volume import Grid, Mask

GRID = Grid((9, 12, 14), np.diag((3.0, 1.0, 0.5, 1.0)))


def mask_of(*voxels: tuple[int, int, int]) -> Mask:
    bits = np.zeros(GRID.shape, dtype=np.bool_)
    for voxel in voxels:
        bits[voxel] = True
    return Mask(bits, GRID)


def block() -> Mask:
    bits = np.zeros(GRID.shape, dtype=np.bool_)
    bits[2:7, 3:9, 4:11] = True
    return Mask(bits, GRID)


def test_the_same_region_gives_the_same_perturbations() -> None:
    first, second = list(perturbations(block())), list(perturbations(block()))

    assert [one.name for one in first] == [one.name for one in second]
    assert all(np.array_equal(a.mask.bits, b.mask.bits) for a, b in zip(first, second, strict=True))
    assert len({one.name for one in first}) == len(first) == 12


def test_a_millimetre_is_two_columns_one_row_and_no_slice() -> None:
    grown = grown_by_mm(mask_of((4, 6, 7)), 1.0)

    where = {tuple(int(n) for n in row) for row in np.argwhere(grown.bits)}
    assert where == {(4, 6, c) for c in range(5, 10)} | {(4, 5, 7), (4, 7, 7)}


@pytest.mark.parametrize("mm", [0.4, 1.0, 3.5])
def test_growing_by_millimetres_is_what_a_slow_comparison_of_distances_gives(mm: float) -> None:
    mask = block()
    drawn = GRID.place(np.argwhere(mask.bits).astype(float))

    grown = grown_by_mm(mask, mm)

    for voxel in np.ndindex(*GRID.shape):
        near = np.linalg.norm(drawn - GRID.place(np.array(voxel, dtype=float)), axis=1).min() <= mm + 1e-9
        assert grown.bits[voxel] == near


def test_shrinking_by_millimetres_takes_what_lies_that_near_to_the_outside() -> None:
    shrunk = grown_by_mm(block(), -1.0)

    assert shrunk.box == ((2, 4, 6), (7, 8, 9))


def test_a_layer_of_voxels_is_one_step_along_each_axis() -> None:
    assert grown_by_voxels(block(), 1).box == ((1, 2, 3), (8, 10, 12))
    assert grown_by_voxels(block(), -1).box == ((3, 4, 5), (6, 8, 10))
    assert np.array_equal(grown_by_voxels(block(), 0).bits, block().bits)


@pytest.mark.parametrize("share", [-0.5, -0.15, 0.0, 0.15, 1.0])
def test_a_share_gives_exactly_that_many_voxels_at_the_edge(share: float) -> None:
    mask = block()

    grown = grown_by_share(mask, share)

    assert grown.count == round(mask.count * (1 + share))
    smaller, larger = (grown, mask) if share < 0 else (mask, grown)
    assert not (smaller.bits & ~larger.bits).any()


def test_a_share_that_leaves_nothing_is_no_region() -> None:
    with pytest.raises(ValueError, match="-100 %"):
        grown_by_share(block(), -1.0)


def test_a_shift_moves_every_voxel_and_loses_what_leaves_the_grid() -> None:
    moved = shifted(mask_of((0, 6, 7), (4, 6, 7)), (-1, 2, 3))

    assert np.argwhere(moved.bits).tolist() == [[3, 8, 10]]


def test_what_shrinks_to_nothing_is_left_out() -> None:
    names = {one.name for one in perturbations(mask_of((4, 6, 7)))}

    assert "grown_by_-1_voxels" not in names
    assert "grown_by_1_voxels" in names


def test_an_empty_region_has_no_perturbation() -> None:
    assert list(perturbations(mask_of())) == []


def test_a_region_at_the_border_shrinks_from_there_too() -> None:
    bits = np.ones(GRID.shape, dtype=np.bool_)

    assert grown_by_mm(Mask(bits, GRID), -1.0).box == ((0, 1, 2), (9, 11, 12))
