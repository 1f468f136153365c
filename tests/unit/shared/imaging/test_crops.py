"""One crop for training and serving; the way a study is stored does not change it."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from shared.imaging.crops import crop_grid, normalised, resampled, take_crop
from shared.imaging.volume import Grid, Mask, Volume

SHAPE = (1, 16, 16, 16)


def study() -> tuple[Volume, Mask]:
    """A breast MRI in miniature, nothing in it symmetric: 3 mm slices, 1 mm pixels, axial."""
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, 1.0], [0, 1.5, 0], [3.0, 0, 0]])
    affine[:3, 3] = (-90.0, -40.0, 25.0)
    grid = Grid((14, 40, 60), affine, "1.2.3")
    a, b, c = np.indices(grid.shape).astype(np.float64)
    voxels = 200 + 3 * a - 2 * b + c + 25 * np.sin(a / 3 + b / 5) * np.cos(c / 4)
    bits = np.zeros(grid.shape, dtype=np.bool_)
    bits[4:8, 10:19, 36:48] = True
    bits[8, 12, 40] = True
    return Volume(voxels.astype(np.int16), grid), Mask(bits, grid)


def stored_otherwise(volume: Volume, mask: Mask, axes: tuple[int, ...], flips: tuple[bool, ...]) -> tuple[Volume, Mask]:
    """The same voxels at the same places, with the axes of the array in another order and some reversed."""
    step = volume.grid.affine[:3, list(axes)].copy()
    origin = volume.grid.affine[:3, 3].copy()
    shape = [volume.grid.shape[axis] for axis in axes]
    for place, reverse in enumerate(flips):
        if reverse:
            origin += step[:, place] * (shape[place] - 1)
            step[:, place] *= -1
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = step, origin
    grid = Grid((shape[0], shape[1], shape[2]), affine, "1.2.3")
    back = tuple(place for place, reverse in enumerate(flips) if reverse)
    moved = [np.flip(array.transpose(axes), back) for array in (volume.voxels, mask.bits)]
    return Volume(moved[0], grid), Mask(moved[1], grid)


@pytest.mark.parametrize("axes", list(permutations(range(3))))
@pytest.mark.parametrize("flips", list(product((False, True), repeat=3)))
def test_every_way_of_storing_a_study_gives_the_same_crop(axes: tuple[int, ...], flips: tuple[bool, ...]) -> None:
    volume, mask = study()
    expected = take_crop([volume], mask, SHAPE, 0.25)
    other_volume, other_mask = stored_otherwise(volume, mask, axes, flips)

    crop = take_crop([other_volume], other_mask, SHAPE, 0.25)

    assert np.allclose(crop.voxels, expected.voxels, atol=2e-5)
    assert crop.grid.same_place(expected.grid, 1e-6)


def test_the_crop_is_a_cube_around_the_box_with_its_margin() -> None:
    _, mask = study()

    grid = crop_grid(mask, (16, 16, 16), 0.5)

    # 5 slices x 3 mm, 9 rows x 1.5 mm, 12 columns x 1 mm: the longest side is 15 mm.
    assert grid.spacing.columns * 16 == pytest.approx(15 * 1.5)
    assert grid.spacing.slices == pytest.approx(grid.spacing.rows) == pytest.approx(grid.spacing.columns)
    centre = grid.place(np.full(3, 7.5))
    assert centre == pytest.approx([-90 + 41.5, -40 + 14 * 1.5, 25 + 6 * 3.0])


def test_its_axes_run_to_the_head_the_back_and_the_left() -> None:
    grid = crop_grid(study()[1], (16, 16, 16), 0.0)

    directions = grid.affine[:3, :3] / np.linalg.norm(grid.affine[:3, :3], axis=0)

    assert np.array_equal(directions.T, [[0, 0, 1], [0, 1, 0], [1, 0, 0]])


def test_a_voxel_of_the_crop_has_the_value_of_its_place() -> None:
    volume, mask = study()
    a, b, c = np.indices(volume.grid.shape).astype(np.float64)
    ramp = Volume(3.0 * a - 2.0 * b + 7.0 * c, volume.grid)
    grid = crop_grid(mask, (8, 8, 8), 0.0)

    index = volume.grid.index(grid.place(np.argwhere(np.ones(grid.shape)).astype(np.float64)))
    inside = ((index >= 0) & (index <= np.array(volume.grid.shape) - 1)).all(axis=1)

    assert inside.sum() > 400
    assert resampled(ramp, grid).ravel()[inside] == pytest.approx((index @ [3.0, -2.0, 7.0])[inside], rel=1e-4)


def test_beyond_the_study_the_nearest_voxel_stands() -> None:
    volume, _ = study()
    bits = np.zeros(volume.grid.shape, dtype=np.bool_)
    bits[:2, :3, :30] = True

    crop = take_crop([volume], Mask(bits, volume.grid), SHAPE, 1.0)

    assert np.isfinite(crop.voxels).all()
    assert np.array_equal(crop.voxels[0, 0], crop.voxels[0, 1])


def test_each_channel_has_mean_zero_and_deviation_one() -> None:
    volume, mask = study()
    brighter = Volume(volume.voxels * np.int16(3) + np.int16(100), volume.grid)

    crop = take_crop([volume, brighter], mask, (2, 16, 16, 16), 0.25)

    assert crop.voxels.mean(axis=(1, 2, 3)) == pytest.approx([0, 0], abs=1e-5)
    assert crop.voxels.std(axis=(1, 2, 3)) == pytest.approx([1, 1], abs=1e-5)
    assert np.allclose(crop.voxels[0], crop.voxels[1], atol=1e-4)


def test_one_value_everywhere_becomes_zero() -> None:
    assert not normalised(np.full((4, 4, 4), 1234.5, dtype=np.float32)).any()


def test_an_empty_mask_has_no_crop() -> None:
    volume, mask = study()

    with pytest.raises(ValueError, match="empty mask"):
        take_crop([volume], Mask(np.zeros_like(mask.bits), mask.grid), SHAPE, 0.25)


def test_a_mask_of_another_grid_makes_no_crop() -> None:
    volume, mask = study()
    moved = Mask(mask.bits, Grid(mask.grid.shape, mask.grid.affine + np.eye(4), "1.2.3"))

    with pytest.raises(ValueError, match="grid of the mask"):
        take_crop([volume], moved, SHAPE, 0.25)
