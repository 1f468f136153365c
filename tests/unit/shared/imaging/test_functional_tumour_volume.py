"""The functional tumour volume is what its definition says, on real signals and on made ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from shared.imaging.functional_tumour_volume import PUBLISHED, Thresholds, enhancement_ratio, functional_tumour
from shared.imaging.volume import Grid, Mask, Volume

UNFILTERED = Thresholds(neighbours=0)


def volume(values: object) -> Volume:
    voxels = np.asarray(values, dtype=np.float32)
    return Volume(voxels, Grid((voxels.shape[0], voxels.shape[1], voxels.shape[2]), np.eye(4)))


@pytest.fixture(scope="module")
def invivo(shared_data: Path) -> tuple[Volume, Volume, Volume]:
    """Mean of three before contrast, about 150 s after the injection, and last: a real breast study of one slice."""
    frames = loadmat(shared_data / "mri" / "dce" / "invivo.mat")["DCEdata"].astype(np.float64)
    slices = (frames[:3].mean(axis=0), frames[12], frames[24])
    grid = Grid((1, 192, 192), np.eye(4))
    return Volume(slices[0][None], grid), Volume(slices[1][None], grid), Volume(slices[2][None], grid)


def test_the_real_study_gives_the_published_variants_numbers(invivo: tuple[Volume, Volume, Volume]) -> None:
    pre, early, late = invivo

    region = functional_tumour(pre, early, by=UNFILTERED)

    assert region.count == 646
    signals = (one.voxels[region.bits].astype(np.float64) for one in (pre, early, late))
    assert float(np.median(enhancement_ratio(*signals))) == pytest.approx(1.13, abs=0.005)


def test_the_ratio_and_the_neighbours_only_take_away(invivo: tuple[Volume, Volume, Volume]) -> None:
    pre, early, late = invivo

    plain = functional_tumour(pre, early, by=UNFILTERED).bits
    with_ratio = functional_tumour(pre, early, late, by=UNFILTERED).bits
    whole = functional_tumour(pre, early, late).bits

    assert not (with_ratio & ~plain).any()
    assert not (whole & ~with_ratio).any()
    assert 0 < whole.sum() < plain.sum()


def test_seventy_per_cent_is_enough_and_less_is_not() -> None:
    pre, early = volume(np.full((1, 1, 2), 100)), volume([[[170, 169]]])

    assert functional_tumour(pre, early, by=UNFILTERED).bits.ravel().tolist() == [True, False]


def test_below_sixty_per_cent_of_the_95th_percentile_is_background() -> None:
    before = np.full((1, 10, 10), 100.0)
    before[0, 0, :2] = 59, 60

    found = functional_tumour(volume(before), volume(before * 3), by=UNFILTERED).bits

    assert found[0, 0].tolist() == [False] + [True] * 9


def test_what_falls_below_its_first_signal_late_is_no_tumour() -> None:
    pre, early = volume(np.full((1, 1, 3), 100)), volume(np.full((1, 1, 3), 200))
    late = volume([[[150, 99, 100]]])

    assert functional_tumour(pre, early, late, by=UNFILTERED).bits.ravel().tolist() == [True, False, True]


@pytest.mark.parametrize(("neighbours", "stays"), [(3, False), (4, True)])
def test_four_neighbours_of_26_keep_a_voxel(neighbours: int, stays: bool) -> None:
    early = np.full((3, 3, 3), 100.0)
    early[1, 1, 1] = 200
    early.reshape(-1)[[0, 2, 24, 26][:neighbours]] = 200

    found = functional_tumour(volume(np.full((3, 3, 3), 100)), volume(early)).bits

    assert bool(found[1, 1, 1]) is stays


def test_a_filtered_voxel_is_counted_as_a_slow_loop_counts_it() -> None:
    rng = np.random.default_rng(3)
    early = np.where(rng.random((6, 7, 8)) < 0.2, 200.0, 100.0)

    found = functional_tumour(volume(np.full((6, 7, 8), 100)), volume(early)).bits

    padded = np.pad(early == 200, 1)
    for place in np.ndindex(6, 7, 8):
        cube = padded[tuple(slice(at, at + 3) for at in place)]
        assert found[place] == (early[place] == 200 and cube.sum() - 1 >= 4)


def test_nothing_counts_outside_the_limits_and_the_percentile_is_taken_inside() -> None:
    before = np.full((1, 4, 8), 100.0)
    before[0, :, :4] = 1000
    bits = np.zeros((1, 4, 8), dtype=np.bool_)
    bits[0, :, 4:] = True
    pre = volume(before)

    found = functional_tumour(pre, volume(before * 2), limits=Mask(bits, pre.grid), by=UNFILTERED).bits

    assert np.array_equal(found, bits)


def test_air_never_enhances() -> None:
    assert not functional_tumour(volume(np.zeros((2, 3, 3))), volume(np.ones((2, 3, 3)))).bits.any()


def test_the_method_says_that_there_was_no_late_phase() -> None:
    assert "no late phase" in PUBLISHED.in_words(with_late=False)
    assert "ratio >= 0" in PUBLISHED.in_words(with_late=True)
