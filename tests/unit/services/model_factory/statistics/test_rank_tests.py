"""Spearman and Dunn against closed examples and against scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from services.model_factory.handlers.statistics.rank_tests import dunn, holm, spearman, spearman_estimated


def test_two_groups_of_three_without_ties_give_the_closed_form() -> None:
    # Ranks 1 2 3 against 4 5 6: mean ranks 2 and 5, variance 6 * 7 / 12 = 3.5, error sqrt(3.5 * 2 / 3).
    (pair,) = dunn(np.array([1.0, 2, 3, 4, 5, 6]), np.array([0, 0, 0, 1, 1, 1]))
    assert pair.z == pytest.approx(-3 / math.sqrt(3.5 * 2 / 3), rel=1e-12)
    assert pair.p == pytest.approx(2 * stats.norm.sf(3 / math.sqrt(3.5 * 2 / 3)), rel=1e-12)


def test_the_square_of_two_groups_is_kruskal_and_wallis_with_ties_too() -> None:
    rng = np.random.default_rng(3)
    values, groups = rng.integers(0, 6, 40).astype(np.float64), np.arange(40) % 2
    (pair,) = dunn(values, groups)
    assert pair.z**2 == pytest.approx(stats.kruskal(values[groups == 0], values[groups == 1]).statistic, rel=1e-9)


def test_holm_never_orders_the_corrected_values_otherwise_than_the_plain_ones() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_spearman_is_that_of_scipy_and_its_interval_holds_it() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=60)
    y = np.round(x + rng.normal(size=60))
    one = spearman_estimated(x, y, np.arange(60), np.random.default_rng(1), 200)
    assert one.value == pytest.approx(stats.spearmanr(x, y).statistic, rel=1e-12)
    assert one.interval[0] < one.value < one.interval[1]


def test_values_that_do_not_vary_have_no_correlation() -> None:
    with pytest.raises(ValueError, match="differ"):
        spearman(np.ones(5), np.arange(5.0))
