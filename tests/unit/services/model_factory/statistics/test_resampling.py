"""Optimism and stability: pure noise is seen for what it is, real columns are kept."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from services.model_factory.handlers.statistics.bootstrap import percentile, resamples, with_intervals
from services.model_factory.handlers.statistics.concordance import harrell
from services.model_factory.handlers.statistics.cox import cox
from services.model_factory.handlers.statistics.optimism import Corrected, Predict, optimism_corrected
from services.model_factory.handlers.statistics.stability import stability
from tests.unit.services.model_factory.statistics.cohorts import simulated

Vector = NDArray[np.float64]
Labels = NDArray[np.intp]


def noise(seed: int) -> Corrected:
    """Harrell's C of eight columns of noise on 150 patients."""
    patients = simulated(seed, n=150)
    x = np.random.default_rng(100 + seed).normal(size=(150, 8))

    def fit(rows: Labels) -> Predict:
        beta = cox(x[rows], patients.time[rows], patients.event[rows]).coefficients
        return lambda new: np.asarray(x[new] @ beta)

    def measure(rows: Labels, score: Vector) -> Vector:
        return np.array([harrell(patients.time[rows], patients.event[rows], score)])

    return optimism_corrected(fit, measure, np.arange(150), np.random.default_rng(1), repeats=40)[0]


def test_noise_looks_good_until_the_optimism_is_taken_away() -> None:
    found = [noise(seed) for seed in range(6)]
    apparent = float(np.mean([one.apparent for one in found]))
    corrected = float(np.mean([one.corrected.value for one in found]))
    assert apparent > 0.58
    assert abs(corrected - 0.5) < 0.5 * (apparent - 0.5)
    for one in found:
        assert one.corrected.value == pytest.approx(one.apparent - one.optimism)
        assert one.corrected.interval[0] < one.corrected.value < one.corrected.interval[1]


def test_progress_is_told_resample_by_resample() -> None:
    heard: list[int] = []
    optimism_corrected(
        lambda rows: lambda new: np.zeros(len(new)),
        lambda rows, _: np.array([float(rows.mean())]),
        np.arange(30),
        np.random.default_rng(2),
        repeats=5,
        told=heard.append,
    )
    assert heard == [1, 2, 3, 4, 5]


def test_a_model_that_learns_nothing_has_no_optimism() -> None:
    patients = simulated(4)

    def fit(rows: Labels) -> Predict:
        return lambda new: patients.linear[new]

    def measure(rows: Labels, score: Vector) -> Vector:
        return np.array([harrell(patients.time[rows], patients.event[rows], score), score.mean()])

    found = optimism_corrected(fit, measure, np.arange(300), np.random.default_rng(5), repeats=80)
    assert found[0].optimism == pytest.approx(0.0, abs=0.01)
    assert found[1].apparent == pytest.approx(float(patients.linear.mean()))


def test_a_resample_that_cannot_be_fitted_is_left_out_and_counted() -> None:
    calls = 0

    def fit(rows: Labels) -> Predict:
        nonlocal calls
        calls += 1
        if calls % 5 == 0:
            raise ValueError("no events")
        return lambda new: np.zeros(len(new))

    found = optimism_corrected(
        fit, lambda rows, _: np.array([rows.mean()]), np.arange(50), np.random.default_rng(6), repeats=20
    )
    assert "16 resamples" in found[0].corrected.method
    assert np.isnan(found[0].corrected.interval[0])


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


def test_stability_counts_columns_pairs_regions_and_whole_sets() -> None:
    rng = np.random.default_rng(10)
    x = rng.normal(size=(200, 4))
    y = x[:, 0] + rng.normal(size=200)

    def close(rows: Labels) -> tuple[int, ...]:
        matched = np.abs(np.corrcoef(x[rows].T, y[rows])[-1, :-1])
        return tuple(np.flatnonzero(matched > 0.15))

    found = stability(
        {"close": close, "first": lambda _: (0, 1)}, 4, np.arange(200), np.random.default_rng(11), repeats=60
    )
    assert found.frequency["close"][0] == 1.0
    assert found.frequency["first"].tolist() == [1, 1, 0, 0]
    assert found.frequency["all"][0] == 1.0
    assert found.frequency["all"][2] == 0.0
    assert found.together[0, 1] == pytest.approx(found.frequency["all"][1])
    total = sum(region[1] for region in found.regions.values())
    assert total == pytest.approx(1.0)
    assert found.regions[frozenset({"first"})][1] == pytest.approx(1 - found.frequency["close"][1])
    assert found.nogueira["first"] == pytest.approx(1.0)
    assert found.nogueira["close"] < 1.0
    assert sum(found.chosen.values()) == found.repeats == 60


def test_a_selector_that_draws_lots_has_no_stability() -> None:
    rng = np.random.default_rng(12)
    found = stability({"lots": lambda _: tuple(rng.choice(20, 5, replace=False))}, 20, np.arange(30), rng, repeats=300)
    assert found.nogueira["lots"] == pytest.approx(0.0, abs=0.03)


def test_selectors_that_never_answer_are_refused() -> None:
    def never(rows: Labels) -> tuple[int, ...]:
        raise ValueError("no events")

    with pytest.raises(ValueError, match="every selector answered"):
        stability({"never": never}, 3, np.arange(10), np.random.default_rng(13), repeats=3)
