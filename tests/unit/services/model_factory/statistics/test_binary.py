"""Our DeLong, Wilson and recalibration against slow, obvious references and other people's code."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

from services.model_factory.handlers.statistics.calibration import calibration
from services.model_factory.handlers.statistics.discrimination import auc, midranks, proportion

Vector = NDArray[np.float64]


def sample(seed: int = 1, n: int = 143) -> tuple[NDArray[np.bool_], Vector]:
    """Scores with many ties, as few levels give them."""
    rng = np.random.default_rng(seed)
    probability = rng.choice(np.linspace(0.2, 0.8, 12), size=n)
    return rng.random(n) < probability * 0.8, probability


def pairwise(event: NDArray[np.bool_], score: Vector) -> tuple[float, float]:
    """AUC and DeLong's variance from every pair (DeLong et al., Biometrics 1988;44:837)."""
    psi = np.array([[float(p > q) + 0.5 * float(p == q) for q in score[~event]] for p in score[event]])
    rows, columns = psi.mean(axis=1), psi.mean(axis=0)
    return float(psi.mean()), float(rows.var(ddof=1) / len(rows) + columns.var(ddof=1) / len(columns))


@pytest.mark.parametrize("seed", range(5))
def test_auc_and_its_interval_are_those_of_every_pair(seed: int) -> None:
    event, score = sample(seed)
    value, variance = pairwise(event, score)
    found = auc(event, score)

    assert found.value == pytest.approx(value, abs=1e-12)
    assert found.value == pytest.approx(roc_auc_score(event, score), abs=1e-12)
    assert found.interval[1] - found.value == pytest.approx(1.959963984540054 * math.sqrt(variance), abs=1e-12)


def test_the_interval_agrees_with_a_bootstrap() -> None:
    event, score = sample(3)
    rng = np.random.default_rng(7)
    values = []
    for _ in range(1000):
        rows = np.concatenate(
            [rng.choice(np.flatnonzero(event), event.sum()), rng.choice(np.flatnonzero(~event), (~event).sum())]
        )
        values.append(auc(event[rows], score[rows]).value)
    low, high = np.quantile(values, [0.025, 0.975])

    assert auc(event, score).interval == pytest.approx((low, high), abs=0.02)


@given(arrays(np.float64, st.integers(1, 30), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])))
def test_midranks_are_average_ranks(values: Vector) -> None:
    below_and_half = [(values < one).sum() + ((values == one).sum() + 1) / 2 for one in values]

    assert midranks(values).tolist() == below_and_half


def test_an_auc_of_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="two events and two non-events"):
        auc(np.array([True, True]), np.array([0.1, 0.2]))


def test_wilson_is_the_textbook_value() -> None:
    # 81 of 263: Newcombe, Stat Med 1998;17:857, table I, method 3.
    found = proportion(81, 263)

    assert found.interval == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_recalibration_is_unpenalised_logistic_regression() -> None:
    event, probability = sample(2)
    log_odds = np.log(probability / (1 - probability))
    fitted = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(log_odds[:, None], event)
    found = calibration(event, probability)

    assert found.slope.value == pytest.approx(fitted.coef_[0, 0], abs=1e-4)
    assert found.intercept.value == pytest.approx(fitted.intercept_[0], abs=1e-4)
    assert found.brier == pytest.approx(brier_score_loss(event, probability), abs=1e-12)


def test_calibration_in_the_large_makes_expected_and_observed_agree() -> None:
    event, probability = sample(2)
    shift = calibration(event, probability).in_the_large.value
    shifted = 1 / (1 + np.exp(-(np.log(probability / (1 - probability)) + shift)))

    assert shifted.mean() == pytest.approx(event.mean(), abs=1e-10)


def test_a_perfect_model_has_ratio_one_intercept_zero_and_slope_one() -> None:
    probability = np.repeat([0.2, 0.5, 0.8], 10)
    event = np.concatenate([np.arange(10) < 10 * p for p in (0.2, 0.5, 0.8)])
    found = calibration(event, probability)

    assert found.ratio.value == pytest.approx(1.0)
    assert found.in_the_large.value == pytest.approx(0.0, abs=1e-9)
    assert found.slope.value == pytest.approx(1.0)
    assert found.brier_of_prevalence == pytest.approx(0.25)


@pytest.mark.parametrize("probability", [np.array([0.0, 0.5]), np.array([0.5, 1.0])])
def test_certainty_cannot_be_calibrated(probability: Vector) -> None:
    with pytest.raises(ValueError, match="strictly between"):
        calibration(np.array([True, False]), probability)
