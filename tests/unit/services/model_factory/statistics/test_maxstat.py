"""The best cut against R's maxstat on its own data, and against every permutation of a tiny cohort."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from services.model_factory.handlers.statistics.maxstat import best_cut, log_rank_scores
from services.model_factory.handlers.statistics.permutation_bound import hothorn_lausen
from tests.unit.services.model_factory.statistics.cohorts import lymphoma, simulated


def test_statistic_cut_and_probabilities_are_those_of_r_maxstat() -> None:
    patients = lymphoma()
    found = best_cut(patients.marker, patients.time, patients.event, np.random.default_rng(1))
    assert found.statistic == pytest.approx(3.1772, abs=5e-5)
    assert found.cut.value == pytest.approx(0.1860526, abs=5e-8)
    assert not found.high_is_worse
    # R's own p varies with its seed: .009701 is one draw of 9,999 permutations, 400,000 give .0109 (R: .0110).
    assert found.p.interval[0] < 0.0110 < found.p.interval[1]
    assert found.p.value == pytest.approx(0.009701, abs=0.003)
    # pmethod = "Lau94", and pmethod = "HL", which rounds the scores, too, and counts what lies beyond M only.
    assert found.p_improved_bonferroni == pytest.approx(0.02387, abs=5e-6)
    assert found.p_bound == pytest.approx(0.02218, abs=5e-4)


def test_the_interval_of_the_cut_is_wide_where_many_cuts_are_about_as_good() -> None:
    patients = lymphoma()
    low, high = best_cut(patients.marker, patients.time, patients.event, np.random.default_rng(2)).cut.interval
    assert low < 0.05
    assert 0.18 < high < 0.25


def test_the_permutation_probability_is_that_of_every_permutation() -> None:
    time = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    event = np.array([True, True, False, True, True, False, True])
    marker = np.array([5.0, 6.0, 7.0, 3.0, 3.0, 1.0, 2.0])
    found = best_cut(marker, time, event, np.random.default_rng(3), permutations=40_000, repeats=20)
    scores = log_rank_scores(time, event)
    sizes = np.array([1, 2, 4, 5, 6])
    spread = np.sqrt(sizes * (7 - sizes) / (49 * 6) * (7 * (scores**2).sum() - scores.sum() ** 2))
    orders = np.array(list(permutations(scores)))
    largest = np.abs((np.cumsum(orders, axis=1)[:, sizes - 1] - sizes / 7 * scores.sum()) / spread).max(axis=1)
    exact = float((largest >= found.statistic - 1e-9).mean())
    assert found.p.value == pytest.approx(exact, abs=0.01)


def test_the_exact_bound_lies_above_the_permutation_probability() -> None:
    for seed in range(6):
        patients = simulated(seed, n=40)
        marker = np.random.default_rng(seed).integers(0, 12, 40).astype(np.float64)
        found = best_cut(marker, patients.time, patients.event, np.random.default_rng(seed), repeats=5)
        assert found.p_bound is not None
        # The bound's scores are rounded to 0 .. n, which moves it a little.
        assert found.p_bound >= found.p.interval[0] - 0.02


def test_the_bound_of_a_single_cut_is_its_exact_two_sided_probability() -> None:
    scores = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    # Of the 10 pairs, {0, 1} and {3, 4} are as far out as the first two.
    assert hothorn_lausen(scores, np.array([2])) == pytest.approx(0.2)


def test_scores_sum_to_nothing_and_a_marker_of_no_use_has_uniform_probabilities() -> None:
    small = 0
    for seed in range(60):
        patients = simulated(seed, n=60)
        assert log_rank_scores(patients.time, patients.event).sum() == pytest.approx(0.0, abs=1e-9)
        rng = np.random.default_rng(1000 + seed)
        small += (
            best_cut(rng.normal(size=60), patients.time, patients.event, rng, permutations=199, repeats=2).p.value
            <= 0.1
        )
    assert 1 <= small <= 13


def test_a_marker_that_matters_is_found_with_its_direction() -> None:
    patients = simulated(5, n=300)
    found = best_cut(patients.linear, patients.time, patients.event, np.random.default_rng(6), repeats=50)
    assert found.high_is_worse
    assert found.p.value < 0.001
    assert found.p_bound is None


def test_a_marker_without_a_cut_or_a_cohort_without_events_is_refused() -> None:
    patients = simulated(7, n=30)
    with pytest.raises(ValueError, match="no candidate cut"):
        best_cut(np.ones(30), patients.time, patients.event, np.random.default_rng(8))
    with pytest.raises(ValueError, match="at least one event"):
        best_cut(patients.linear, patients.time, np.zeros(30, dtype=np.bool_), np.random.default_rng(8))
