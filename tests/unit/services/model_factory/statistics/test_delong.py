"""Two AUCs on the same patients: against the definition, a bootstrap, and cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from services.model_factory.handlers.statistics.at_threshold import confusion, roc_points, shares, youden
from services.model_factory.handlers.statistics.delong import auc_covariance, compare_aucs
from services.model_factory.handlers.statistics.discrimination import auc


def _patients(n: int = 160, seed: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    event = rng.random(n) < 0.4
    first = rng.normal(size=n) + 0.6 * event
    second = np.round(0.5 * first + rng.normal(size=n) + 1.0 * event, 1)
    return event, first, second


def _by_definition(event: np.ndarray, scores: list[np.ndarray]) -> np.ndarray:
    """Return the covariance as DeLong et al. define it: every event against every non-event."""
    by_event, by_other = [], []
    for score in scores:
        kernel = np.array([[1.0 if x > y else 0.5 if x == y else 0.0 for y in score[~event]] for x in score[event]])
        by_event.append(kernel.mean(axis=1))
        by_other.append(kernel.mean(axis=0))
    return np.asarray(np.cov(by_event) / event.sum() + np.cov(by_other) / (~event).sum())


def test_the_covariance_is_that_of_the_definition() -> None:
    event, first, second = _patients()
    found, aucs = auc_covariance(event, [first, second])
    assert np.allclose(found, _by_definition(event, [first, second]), rtol=1e-12)
    assert aucs[0] == pytest.approx(auc(event, first).value, abs=1e-15)


def test_the_interval_of_the_difference_agrees_with_a_bootstrap() -> None:
    event, first, second = _patients(400)
    found = compare_aucs(event, first, second)
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(600):
        rows = rng.integers(0, len(event), len(event))
        drawn.append(auc(event[rows], second[rows]).value - auc(event[rows], first[rows]).value)
    low, high = found.difference.interval
    assert found.difference.value == pytest.approx(float(np.mean(drawn)), abs=0.01)
    assert (high - low) / (2 * 1.96) == pytest.approx(float(np.std(drawn)), rel=0.12)


def test_a_score_against_itself_differs_by_nothing() -> None:
    event, first, _ = _patients()
    found = compare_aucs(event, first, np.exp(first))
    assert (found.difference.value, found.z, found.p) == (0.0, 0.0, 1.0)


def test_swapping_the_scores_turns_the_sign_and_keeps_the_p() -> None:
    event, first, second = _patients()
    there, back = compare_aucs(event, first, second), compare_aucs(event, second, first)
    assert there.difference.value == pytest.approx(-back.difference.value)
    assert there.p == pytest.approx(back.p)
    assert there.p < 0.05


def test_correlated_scores_differ_more_surely_than_independent_ones_of_the_same_aucs() -> None:
    event, first, _ = _patients(400)
    near = first + 0.3 * event
    found = compare_aucs(event, first, near)
    apart = float(np.hypot(*(np.diff(auc(event, one).interval)[0] / 3.92 for one in (first, near))))
    assert abs(found.z) > 3 * abs(found.difference.value / apart)


def test_youdens_cut_separates_what_can_be_separated() -> None:
    event = np.array([False, False, True, True])
    probability = np.array([0.1, 0.4, 0.6, 0.9])
    cut = youden(event, probability)
    assert cut == pytest.approx(0.5)
    assert confusion(event, probability >= cut).accuracy == 1.0


def test_the_roc_curve_has_the_area_of_the_auc() -> None:
    event, _, second = _patients()
    false, true = roc_points(event, second)
    assert float(np.trapezoid(true, false)) == pytest.approx(auc(event, second).value, abs=1e-12)


def test_shares_come_from_one_table_of_four_counts() -> None:
    event, first, _ = _patients()
    called = first > 0.3
    found = shares(event, called, np.random.default_rng(1), 50)
    one = confusion(event, called)
    assert {name: found[name].value for name in found} == pytest.approx(
        {name: getattr(one, name) for name in ("sensitivity", "specificity", "ppv", "npv", "accuracy", "f1")}
    )


def test_a_share_of_nobody_is_left_out() -> None:
    event = np.array([True, False, True, False])
    assert "ppv" not in shares(event, np.zeros(4, dtype=np.bool_), np.random.default_rng(1), 10)
