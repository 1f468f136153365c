"""Resampled patients, and what the draws of a selection agree on."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from services.model_factory.handlers.statistics.bootstrap import percentile, resamples, with_intervals
from services.model_factory.handlers.statistics.stability import stability


def test_resamples_take_a_patient_with_all_its_rows() -> None:
    patients = np.array([7, 7, 9, 3, 3, 3])
    for rows in resamples(patients, 20, np.random.default_rng(7)):
        for patient, count in ((7, 2), (9, 1), (3, 3)):
            assert np.isin(patients[rows], patient).sum() % count == 0


def test_the_interval_of_a_mean_is_about_the_normal_one() -> None:
    values = np.random.default_rng(8).normal(5, 2, 400)
    found = with_intervals(lambda rows: np.array([values[rows].mean()]), np.arange(400), np.random.default_rng(9))[0]
    half = 1.96 * values.std() / 20
    assert found.interval == pytest.approx((values.mean() - half, values.mean() + half), abs=0.03)
    assert np.isnan(percentile(1.0, np.full(10, np.nan)).interval[0])


NAMES = ("close", "first")


def marks(rounds: int = 60) -> NDArray[np.bool_]:
    """Four columns: one method chooses the first and sometimes others, one always the first two."""
    rng = np.random.default_rng(10)
    close = np.column_stack([np.ones(rounds), *(rng.random((3, rounds)) < np.array([[0.4], [0.1], [0.0]]))])
    return np.array([close > 0, np.tile([True, True, False, False], (rounds, 1))])


def test_stability_counts_columns_and_regions() -> None:
    drawn = marks()
    found = stability(NAMES, drawn)
    assert found.frequency["close"].tolist() == drawn[0].mean(axis=0).tolist()
    assert found.frequency["first"].tolist() == [1, 1, 0, 0]
    assert found.frequency["all"].tolist() == [1.0, found.frequency["close"][1], 0.0, 0.0]
    assert sum(region[1] for region in found.regions.values()) == pytest.approx(1.0)
    assert found.regions[frozenset({"first"})][1] == pytest.approx(1 - found.frequency["close"][1])
    assert found.regions[frozenset({"close"})][2] == found.frequency["close"][2] > 0
    assert found.nogueira["first"] == pytest.approx(1.0)
    assert found.nogueira["close"] is not None
    assert found.nogueira["close"] < 1.0


def test_a_selector_that_draws_lots_has_no_stability() -> None:
    rng = np.random.default_rng(12)
    lots = np.array([[np.isin(np.arange(20), rng.choice(20, 5, replace=False)) for _ in range(300)]])
    assert stability(("lots",), lots).nogueira["lots"] == pytest.approx(0.0, abs=0.03)


def test_a_selector_that_takes_everything_says_nothing_about_stability() -> None:
    assert stability(("every",), np.ones((1, 5, 3), dtype=np.bool_)).nogueira == {"every": None, "all": None}
    with pytest.raises(ValueError, match="no draws"):
        stability(("every",), np.ones((1, 0, 3), dtype=np.bool_))
