from __future__ import annotations

import numpy as np
import pytest

from services.model_factory.handlers.statistics.icc import icc, icc_many, iccs

SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=np.float64
)
"""Shrout & Fleiss 1979, table 2: six targets, four judges."""


@pytest.mark.parametrize(("kind", "value"), [("2,1", 0.29), ("3,1", 0.71)])
def test_the_published_example_gives_its_published_value(kind: str, value: float) -> None:
    assert round(icc(SHROUT_FLEISS, kind).value, 2) == value  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "low", "high"), [("2,1", 0.019, 0.761), ("3,1", 0.342, 0.946)])
def test_the_intervals_of_the_example_are_those_of_r(kind: str, low: float, high: float) -> None:
    """psych::ICC prints 0.019 to 0.76 and 0.342 to 0.95 for the same table."""
    assert icc(SHROUT_FLEISS, kind).interval == pytest.approx((low, high), abs=1e-3)  # type: ignore[arg-type]


def simulated(n: int, between: float, raters: float, rest: float, rng: np.random.Generator) -> np.ndarray:
    """Return (patients, 2, 1) ratings with these standard deviations."""
    person, rater = rng.normal(0, between, (n, 1, 1)), rng.normal(0, raters, (1, 2, 1))
    return person + rater + rng.normal(0, rest, (n, 2, 1))


def test_the_interval_holds_the_truth_in_95_of_100_draws() -> None:
    rng = np.random.default_rng(1)
    truth = 1 / (1 + 0.5**2)

    drawn = np.concatenate([simulated(40, 1.0, 0.0, 0.5, rng) for _ in range(2000)], axis=2)

    found = iccs(drawn, "3,1")
    assert np.mean((found.low <= truth) & (truth <= found.high)) == pytest.approx(0.95, abs=0.015)


def test_many_features_at_once_are_each_one_alone() -> None:
    ratings = np.random.default_rng(2).normal(size=(12, 3, 5)) + np.arange(12)[:, None, None]

    for kind in ("2,1", "3,1"):
        alone = [icc(ratings[:, :, f], kind).value for f in range(5)]
        assert icc_many(ratings, kind) == pytest.approx(alone, rel=1e-12)


def test_a_rater_who_is_always_higher_breaks_agreement_but_not_consistency() -> None:
    first = np.random.default_rng(3).normal(size=30)
    ratings = np.stack([first, first + 5 + np.random.default_rng(4).normal(0, 0.01, 30)], axis=1)

    assert icc(ratings, "3,1").value > 0.99
    assert icc(ratings, "2,1").value < 0.2


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
def test_perfect_agreement_is_one_whatever_the_size_of_the_numbers(size: float) -> None:
    first = np.random.default_rng(5).normal(size=20) * size

    found = icc(np.stack([first, first], axis=1))

    assert (found.value, found.interval) == (1.0, (1.0, 1.0))


def test_a_rater_who_is_higher_by_exactly_the_same_is_wholly_consistent() -> None:
    first = np.arange(8.0)

    assert icc(np.stack([first, first + 4], axis=1), "3,1").interval == (1.0, 1.0)
    assert icc(np.stack([first, first + 4], axis=1), "2,1").value == pytest.approx(6 / (6 + 8), rel=1e-12)


def test_where_nothing_varies_there_is_no_icc() -> None:
    assert np.isnan(icc_many(np.full((10, 2, 1), 3.0))).all()


def test_too_few_ratings_and_gaps_are_refused() -> None:
    with pytest.raises(ValueError, match="two raters"):
        icc(np.zeros((5, 1)))
    with pytest.raises(ValueError, match="finite"):
        icc(np.array([[1.0, np.nan], [2.0, 1.0]]))
