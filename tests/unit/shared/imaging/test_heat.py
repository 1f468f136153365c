"""A network's map back on the patient: at the right place, in [0, 1], and how much of it is in the tumour."""

from __future__ import annotations

import numpy as np
import pytest

from shared.imaging.crops import TOWARDS
from shared.imaging.heat import heat_grid, heat_on, heat_shares, heat_volume, study_part
from shared.imaging.volume import Grid, Mask, Volume


def crop_grid(edge_mm: float = 32.0, n: int = 32) -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = TOWARDS * (edge_mm / n)
    affine[:3, 3] = (10.0, -40.0, 5.0)
    return Grid((n, n, n), affine, "1.2.3")


def study_grid() -> Grid:
    """Sagittal, 3 mm slices, larger than the crop on every side."""
    affine = np.eye(4)
    affine[:3, :3] = np.array([[-3.0, 0, 0], [0, 0, 1.5], [0, -1.5, 0]])
    affine[:3, 3] = (60.0, -60.0, 60.0)
    return Grid((24, 60, 60), affine, "1.2.3")


def test_cells_lie_stride_voxels_apart_from_the_first_voxel_on() -> None:
    crop = crop_grid()

    grid = heat_grid((4, 4, 4), crop)

    cells = np.array([[0.0, 0, 0], [1, 2, 3]])
    assert grid.place(cells) == pytest.approx(crop.place(cells * 8))


def test_heat_is_cut_at_zero_and_reaches_one() -> None:
    heat = np.linspace(-3, 5, 64).reshape(4, 4, 4).astype(np.float32)

    values = heat_volume(heat, crop_grid()).voxels

    assert (values.min(), values.max()) == (0.0, 1.0)
    assert values.ravel()[np.searchsorted(heat.ravel(), 2.5)] == pytest.approx(0.5, abs=0.02)


def test_where_nothing_speaks_for_the_class_there_is_no_heat() -> None:
    volume = heat_volume(np.full((4, 4, 4), -2.0, dtype=np.float32), crop_grid())

    assert not volume.voxels.any()
    assert heat_shares(volume, Mask(np.ones(study_grid().shape, dtype=np.bool_), study_grid())) is None


def test_on_the_study_the_heat_has_the_value_of_its_cell_and_ends_half_a_cell_beyond() -> None:
    heat = np.random.default_rng(1).random((4, 4, 4)).astype(np.float32)
    volume = heat_volume(heat, crop_grid())
    fine = Grid((31, 31, 31), volume.grid.affine @ np.diag([0.25, 0.25, 0.25, 1.0]), "1.2.3")
    moved = fine.affine.copy()
    moved[:3, 3] = volume.grid.place(np.full(3, -2.0))

    on = heat_on(volume, Grid(fine.shape, moved, "1.2.3")).voxels

    assert on[8:21:4, 8:21:4, 8:21:4] == pytest.approx(volume.voxels, abs=1e-5)
    assert on[6, 8, 8] == pytest.approx(volume.voxels[0, 0, 0], abs=1e-5)
    assert not on[:6].any()
    assert not on[23:].any()


def test_the_part_of_the_study_with_heat_holds_all_of_it_and_keeps_its_frames() -> None:
    volume = heat_volume(np.ones((4, 4, 4), dtype=np.float32), crop_grid())
    study = study_grid()

    whole = heat_on(volume, study).voxels
    part = heat_on(volume, study_part(volume, study)).voxels

    assert part.size < whole.size / 2
    assert part.sum() == pytest.approx(whole.sum())


def test_heat_outside_the_study_has_no_part() -> None:
    affine = study_grid().affine.copy()
    affine[:3, 3] += 500.0

    with pytest.raises(ValueError, match="not inside"):
        study_part(heat_volume(np.ones((4, 4, 4), dtype=np.float32), crop_grid()), Grid((4, 4, 4), affine))


def ball(grid: Grid, centre: tuple[float, float, float], radius: float) -> Mask:
    places = grid.place(np.argwhere(np.ones(grid.shape)).astype(np.float64))
    near = np.linalg.norm(places - np.array(centre), axis=1) <= radius
    return Mask(near.reshape(grid.shape), grid)


def test_the_shares_of_even_heat_are_those_of_the_volumes() -> None:
    study = crop_grid(64.0, 64)
    even = Volume(np.ones((32, 32, 32), dtype=np.float32), heat_grid((32, 32, 32), study))

    shares = heat_shares(even, ball(study, (42.0, -8.0, 37.0), 10.0), 5.0)

    assert shares is not None
    inside, both = 4 / 3 * np.pi * 10**3, 4 / 3 * np.pi * 15**3
    assert shares.inside == pytest.approx(inside / 64**3, rel=0.05)
    assert shares.ring == pytest.approx((both - inside) / 64**3, rel=0.08)
    assert shares.inside + shares.ring + shares.elsewhere == pytest.approx(1.0)


def test_heat_within_the_tumour_is_counted_there_and_a_halo_in_the_ring() -> None:
    study = crop_grid(64.0, 64)
    tumour = ball(study, (42.0, -8.0, 37.0), 10.0)
    core, wide = ball(study, (42.0, -8.0, 37.0), 6.0), ball(study, (42.0, -8.0, 37.0), 13.0)
    halo = wide.bits & ~ball(study, (42.0, -8.0, 37.0), 12.0).bits

    within = heat_shares(Volume(core.bits.astype(np.float32), study), tumour)
    around = heat_shares(Volume(halo.astype(np.float32), study), tumour)

    assert within is not None
    assert around is not None
    assert within.inside == pytest.approx(1.0)
    assert around.ring == pytest.approx(1.0)
