"""The spatial block bootstrap: what it must equal, and what it must show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from shared.domain.slides import AreaReading, Rounding
from shared.predictors.her2.aggregation import Readings, aggregate, ranked
from shared.predictors.her2.bootstrap import _drawn, _scores, spread
from shared.testing.slides import a_table


def clumps(seed: int, size: int = 48, clump: float = 4.0) -> NDArray[np.float64]:
    noise = gaussian_filter(np.random.default_rng(seed).standard_normal((size, size)), clump)
    made: NDArray[np.float64] = np.clip(0.5 + 0.15 * noise / noise.std(), 0.01, 0.99)
    return made


@pytest.mark.parametrize("area", list(AreaReading))
@pytest.mark.parametrize("rounding", list(Rounding))
def test_a_resample_is_what_aggregating_the_drawn_patches_gives(area: AreaReading, rounding: Rounding) -> None:
    """Weighted and vectorised, it equals copying the patches and aggregating them."""
    tumour = np.indices((20, 20)).sum(axis=0) % 5 > 0
    table = a_table(clumps(1, 20), tumour=tumour)
    blocks = (table.index // 20 // 5) * 4 + table.index % 20 // 5
    drawn = _drawn(16, 7)[:5]
    readings = Readings(area, rounding)

    quick = _scores(ranked(table.probabilities, area), blocks.astype(np.int64), drawn, readings)
    slow = [aggregate(np.repeat(table.probabilities, row[blocks], axis=0), readings) for row in drawn]

    assert quick == pytest.approx([one.score for one in slow if one], abs=1e-9)


def test_the_same_slide_gives_the_same_interval_and_another_slide_another() -> None:
    first, again, other = (spread(a_table(clumps(seed)), Readings(), 0.0) for seed in (1, 1, 2))

    assert first is not None
    assert again is not None
    assert other is not None
    assert (first.interval, first.shares) == (again.interval, again.shares)
    assert first.interval != other.interval


def test_the_interval_holds_the_score_and_shares_sum_to_one() -> None:
    table = a_table(clumps(3))
    made, whole = spread(table, Readings(), 0.0), aggregate(table.probabilities, Readings())

    assert made is not None
    assert whole is not None
    assert made.interval[0] < whole.score < made.interval[1]
    assert sum(one.share for one in made.shares) == pytest.approx(1.0)


def test_clumped_tumour_is_less_certain_than_the_same_patches_shuffled() -> None:
    clumped = clumps(4)
    shuffled = np.random.default_rng(0).permutation(clumped.ravel()).reshape(clumped.shape)
    wide, narrow = (spread(a_table(one), Readings(), 0.0) for one in (clumped, shuffled))

    assert wide is not None
    assert narrow is not None
    assert np.diff(wide.interval) > 2 * np.diff(narrow.interval)


def test_tumour_in_too_few_places_has_no_interval() -> None:
    tumour = np.zeros((40, 40), dtype=np.bool_)
    tumour[20, 20:22] = True

    assert spread(a_table(clumps(5, 40), tumour=tumour), Readings(), 0.0) is None


def test_a_calibration_moves_the_interval() -> None:
    table = a_table(clumps(6))
    plain, moved = spread(table, Readings(), 0.0), spread(table, Readings(), 0.05)

    assert plain is not None
    assert moved is not None
    assert np.subtract(moved.interval, plain.interval) == pytest.approx([0.05, 0.05], abs=1e-9)


def test_blocks_shrink_where_patches_are_small_against_them() -> None:
    table = a_table(clumps(7))
    tiny = replace(table, grid=replace(table.grid, side_um=20.0))
    made = spread(tiny, Readings(), 0.0)

    assert made is not None
    assert made.blocks >= 20
    assert made.block_um < 500
