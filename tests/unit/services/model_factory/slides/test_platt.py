"""Platt's curve: found again, refused, and never fitted on the slides it is asked about."""

from __future__ import annotations

import numpy as np
import pytest

from services.model_factory.handlers.slides.platt import cross_fitted, fit_platt, probability


def test_the_curve_that_drew_the_statuses_is_found_again() -> None:
    rng = np.random.default_rng(1)
    score = rng.uniform(0, 0.5, 20_000)
    event = rng.random(20_000) < 1 / (1 + np.exp(-(-3 + 12 * score)))
    found = fit_platt(score, event)
    assert found.intercept == pytest.approx(-3, abs=0.15)
    assert found.slope == pytest.approx(12, abs=0.5)
    assert not found.note


def test_one_score_for_all_gives_the_share_and_says_so() -> None:
    found = fit_platt(np.full(10, 0.2), np.arange(10) < 3)
    assert float(probability(found, np.array([0.4]))[0]) == pytest.approx(0.3)
    assert "same score" in found.note


def test_scores_that_separate_the_classes_get_a_finite_curve_and_a_note() -> None:
    found = fit_platt(np.arange(20) / 20, np.arange(20) >= 10)
    assert np.isfinite([found.intercept, found.slope]).all()
    assert found.penalised
    assert "penalty" in found.note


def test_a_score_that_ranks_the_other_class_says_so() -> None:
    rng = np.random.default_rng(2)
    score = rng.uniform(0, 0.5, 300)
    found = fit_platt(score, rng.random(300) < 0.8 - score)
    assert found.slope < 0
    assert "ranks the other class" in found.note


def test_every_slide_is_asked_by_a_curve_of_other_folds() -> None:
    rng = np.random.default_rng(3)
    score, fold = rng.uniform(0, 0.5, 90), np.arange(90) % 3
    event = rng.random(90) < score + 0.2
    found = cross_fitted(score, event, fold)
    alone = fit_platt(score[fold != 1], event[fold != 1])
    assert found[fold == 1] == pytest.approx(probability(alone, score[fold == 1]), rel=1e-12)


def test_slides_of_one_class_have_no_curve() -> None:
    with pytest.raises(ValueError, match="both classes"):
        fit_platt(np.arange(4.0), np.ones(4, dtype=np.bool_))
