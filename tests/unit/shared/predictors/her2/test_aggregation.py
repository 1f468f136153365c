"""Eq. 2-6 of paper 003, worked out by hand, with every reading of what the paper leaves open."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.domain.slide_answers import SlideLevel
from shared.domain.slides import AreaReading, Rounding
from shared.predictors.her2.aggregation import Aggregate, Readings, aggregate, calibrated, term_counts
from shared.predictors.her2.scale import grade_counts, level_of


def patches(*rows: tuple[float, float]) -> NDArray[np.float32]:
    """Return patches of (p of HER2+, p of HER2-); what is left of 1 is non-tumour."""
    return np.asarray([(1 - p - n, n, p) for p, n in rows], dtype=np.float32)


def found(chances: NDArray[np.float32], readings: Readings | None = None) -> Aggregate:
    made = aggregate(chances, readings or Readings())
    assert made is not None
    return made


def test_ten_tumour_patches_are_aggregated_as_by_hand() -> None:
    made = found(patches(*[(0.9, 0.1), (0.8, 0.2), (0.7, 0.3), (0.5, 0.5), (0.34, 0.66)], *[(0.1, 0.9)] * 5))

    assert (made.tumour, made.counted, made.terms) == (10, 5, 3)
    assert made.area_share == 0.5
    assert made.mean == pytest.approx((0.57 + 0.47 + 0.37) / 3, abs=1e-6)
    assert made.score == made.mean


def test_a_patch_of_exactly_033_does_not_count_and_one_just_above_does() -> None:
    above = float(np.nextafter(np.float32(0.33), np.float32(1)))

    assert found(patches((0.33, 0.67), (0.33, 0.67))).counted == 0
    assert found(patches((above, 0.66), (0.33, 0.67))).counted == 1
    assert found(patches((1 / 3, 0.66), (0.33, 0.67))).counted == 1


def test_missing_terms_of_eq_5_count_zero_and_the_divisor_stays() -> None:
    made = found(patches((0.93, 0.07), *[(0.1, 0.9)] * 19))

    assert (made.terms, made.counted) == (6, 1)
    assert made.mean == pytest.approx(0.6 / 6, abs=1e-6)


def test_the_score_is_zero_only_where_area_and_mean_are_both_small() -> None:
    small_area = patches((0.93, 0.07), *[(0.1, 0.9)] * 19)
    large_area = patches(*[(0.43, 0.57)] * 10, *[(0.1, 0.9)] * 10)
    large_mean = patches(*[(0.93, 0.07)] * 6, *[(0.1, 0.9)] * 14)

    assert found(small_area).score == 0.0
    assert found(large_area).score == pytest.approx(0.10, abs=1e-6)
    assert found(large_mean).score == pytest.approx(0.6, abs=1e-6)


def test_an_area_of_exactly_three_tenths_is_still_small() -> None:
    made = found(patches(*[(0.45, 0.55)] * 3, *[(0.1, 0.9)] * 7))

    assert made.area_share == 0.3
    assert made.score == 0.0


def test_without_tumour_there_is_no_score_and_not_a_score_of_zero() -> None:
    assert aggregate(patches((0.4, 0.1), (0.2, 0.1)), Readings()) is None
    assert aggregate(patches((0.4, 0.1), (0.2, 0.1)), Readings(AreaReading.ALL)) is None


def test_reading_a_counts_tumour_patches_only_and_reading_b_all_so_that_its_share_exceeds_1() -> None:
    chances = patches((0.9, 0.1), (0.1, 0.8), *[(0.4, 0.1)] * 4)
    a, b = found(chances, Readings(AreaReading.TUMOUR)), found(chances, Readings(AreaReading.ALL))

    assert (a.counted, a.area_share) == (1, 0.5)
    assert (b.counted, b.area_share) == (5, 2.5)


@pytest.mark.parametrize(
    ("rounding", "terms"),
    [(Rounding.FLOOR, [1, 1, 3, 1, 2]), (Rounding.CEIL, [1, 1, 3, 2, 3]), (Rounding.ROUND, [1, 1, 3, 2, 2])],
)
def test_terms_are_whole_numbers_and_at_least_one(rounding: Rounding, terms: list[int]) -> None:
    assert list(term_counts(np.asarray([1, 3, 10, 5, 8]), rounding)) == terms


@pytest.mark.parametrize(
    ("score", "level"),
    [
        (0.0, SlideLevel.RESEMBLES_0), (0.10, SlideLevel.RESEMBLES_0), (0.1001, SlideLevel.RESEMBLES_1),
        (0.15, SlideLevel.RESEMBLES_1), (0.1501, SlideLevel.RESEMBLES_2_FISH_NEGATIVE),
        (0.20, SlideLevel.RESEMBLES_2_FISH_NEGATIVE), (0.2001, SlideLevel.RESEMBLES_2_FISH_POSITIVE),
        (0.25, SlideLevel.RESEMBLES_2_FISH_POSITIVE), (0.2501, SlideLevel.RESEMBLES_3), (0.67, SlideLevel.RESEMBLES_3),
    ],
)  # fmt: skip
def test_a_score_on_a_cut_belongs_to_the_level_that_ends_there(score: float, level: SlideLevel) -> None:
    assert level_of(score) is level


def test_patches_have_five_grades() -> None:
    counted = np.asarray([0.331, 0.399, 0.4, 0.499, 0.5, 0.6, 0.7, 0.99], dtype=np.float32)

    assert [(one.grade, one.patches) for one in grade_counts(counted)] == [
        ("I", 2), ("II", 2), ("III", 1), ("IV", 1), ("V", 2),
    ]  # fmt: skip


def test_a_calibration_moves_a_score_but_neither_below_zero_nor_away_from_the_zero_of_eq_6() -> None:
    assert calibrated(np.asarray([0.0, 0.02, 0.2]), -0.05) == pytest.approx([0.0, 0.0, 0.15])
    assert calibrated(np.asarray([0.0, 0.02, 0.2]), 0.05) == pytest.approx([0.0, 0.07, 0.25])
