"""What a cohort may be asked: candidates, and local updates."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from services.model_factory.handlers.statistics.recalibration import (
    Method,
    TooFewEventsError,
    linear_of_risk,
    update_logistic,
    update_survival,
)
from services.model_factory.handlers.statistics.sample_size import sample_size
from tests.unit.services.model_factory.statistics.cohorts import simulated

METHODS: tuple[Method, ...] = ("in_the_large", "slope", "flexible")


def test_228_patients_carry_far_fewer_than_49_candidates() -> None:
    found = sample_size(228, 53, 49, person_years=228 * 4.0)
    assert found.needed > 1000
    assert found.carried < 10
    assert found.sentence == (
        f"49 candidates need {found.needed} patients for a shrinkage of 0.9; "
        f"228 patients carry {found.carried} candidates"
    )


def test_the_sample_size_is_rileys_example() -> None:
    # Riley et al., BMJ 2020;368:m441, figure 6: 24 parameters, R2 of Cox and Snell .288 -> 623 patients.
    prevalence, n = 0.5, 10_000
    largest = 1 - np.exp(2 * np.log(0.5))
    assert sample_size(n, int(n * prevalence), 24, nagelkerke=0.288 / largest).needed == 623
    with pytest.raises(ValueError, match="a sample size needs events"):
        sample_size(10, 10, 3)


def bent(seed: int, n: int, shift: float, slope: float) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Outcomes whose log odds are shift + slope * the model's."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-0.5, 1.0, n)
    return rng.random(n) < 1 / (1 + np.exp(-(shift + slope * odds))), 1 / (1 + np.exp(-odds))


def test_a_shift_and_a_slope_are_found_again() -> None:
    event, probability = bent(2, 20_000, 0.8, 0.6)
    slope = update_logistic(event, probability, "slope")
    assert slope.intercept == pytest.approx(0.8, abs=0.06)
    assert slope.coefficients[0] == pytest.approx(0.6, abs=0.05)
    for method in METHODS:
        updated = update_logistic(event, probability, method).probability(probability)
        assert updated.mean() == pytest.approx(event.mean(), abs=1e-3)


def test_a_flexible_update_follows_a_bend_that_a_slope_cannot() -> None:
    rng = np.random.default_rng(3)
    odds = rng.normal(0.0, 1.5, 20_000)
    truth = 1 / (1 + np.exp(-np.where(odds > 0, 2 * odds, 0.3 * odds)))
    event, old = rng.random(20_000) < truth, 1 / (1 + np.exp(-odds))
    error = [
        float(np.abs(update_logistic(event, old, method).probability(old) - truth).mean()) for method in METHODS[1:]
    ]
    assert error[1] < 0.5 * error[0]


def test_a_survival_model_is_updated_by_its_linear_predictor() -> None:
    patients = simulated(4, n=8000)
    linear = 2 * patients.linear - 1
    slope = update_survival(patients.time, patients.event, linear, "slope")
    assert slope.coefficients[0] == pytest.approx(0.5, abs=0.03)
    np.testing.assert_allclose(slope.risk(linear, 5.0), patients.risk(5.0), atol=0.03)
    flexible = update_survival(patients.time, patients.event, linear, "flexible")
    np.testing.assert_allclose(flexible.risk(linear, 5.0), patients.risk(5.0), atol=0.06)
    same = update_survival(patients.time, patients.event, patients.linear, "in_the_large")
    np.testing.assert_allclose(same.risk(patients.linear, 5.0), patients.risk(5.0), atol=0.03)


def test_risks_at_a_horizon_carry_their_linear_predictor() -> None:
    patients = simulated(5)
    found = linear_of_risk(patients.risk(5.0)) - patients.linear
    np.testing.assert_allclose(found, found[0], atol=1e-9)


@pytest.mark.parametrize(("method", "needed"), [("in_the_large", 20), ("slope", 40), ("flexible", 200)])
def test_too_few_events_are_refused_with_both_numbers(method: Method, needed: int) -> None:
    event = np.arange(1000) < needed - 1
    probability = np.linspace(0.1, 0.9, 1000)
    with pytest.raises(TooFewEventsError, match=f"needs {needed} events and as many without; there are {needed - 1}"):
        update_logistic(event, probability, method)
    with pytest.raises(TooFewEventsError, match=f"there are {1000 - needed + 1} and {needed - 1}"):
        update_survival(np.arange(1.0, 1001), ~event, probability, method)
    with pytest.raises(ValueError, match="no log odds"):
        update_logistic(np.arange(1000) < 500, np.r_[0.0, probability[1:]], "slope")
