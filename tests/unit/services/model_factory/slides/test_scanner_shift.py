"""The shift of one scanner: found again where it is known, refused where it cannot be known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from services.model_factory.handlers.slides.scanner_shift import LEAST_SLIDES, shift_of


def chance(score: float) -> float:
    """Return what a bundle might say of a score."""
    return 1 / (1 + math.exp(-20 * (score - 0.25)))


def slides(n: int, moved: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return scores a scanner has moved, and statuses drawn from the bundle's own probabilities before that."""
    rng = np.random.default_rng(4)
    true = rng.uniform(0.1, 0.45, n)
    positive = rng.random(n) < np.array([chance(float(one)) for one in true])
    return true + moved, positive


@pytest.mark.parametrize("moved", [-0.05, 0.0, 0.05])
def test_a_scanner_that_moves_every_score_is_moved_back(moved: float) -> None:
    found = shift_of(*slides(4000, moved), chance)
    assert found.shift == pytest.approx(-moved, abs=0.01)
    assert found.interval[0] < -moved < found.interval[1]


def test_what_was_set_to_zero_stays_there_whatever_the_shift() -> None:
    scores, positive = slides(200, 0.05)
    scores[~positive] = np.where(np.arange(int((~positive).sum())) % 2, 0.0, scores[~positive])
    found = shift_of(scores, positive, chance)
    shifted = np.where(scores > 0, np.maximum(scores + found.shift, 0), 0)
    mean = np.mean([chance(float(one)) for one in shifted])
    assert mean == pytest.approx(positive.mean(), abs=1e-3)


def test_too_few_slides_of_either_class_are_refused_with_the_number_needed() -> None:
    scores, positive = slides(LEAST_SLIDES - 1, 0.0)
    with pytest.raises(ValueError, match="20 are needed, 5 of either class"):
        shift_of(scores, positive, chance)
    with pytest.raises(ValueError, match="5 of either class"):
        shift_of(np.full(40, 0.2), np.arange(40) < 3, chance)


def test_a_bundle_whose_probability_falls_has_no_shift() -> None:
    with pytest.raises(ValueError, match="does not rise"):
        shift_of(*slides(100, 0.0), lambda score: 1 - chance(score))


def test_slides_no_shift_can_explain_are_refused() -> None:
    # All but a few are positive, and every score is zero: nothing can be added to them.
    with pytest.raises(ValueError, match="no shift"):
        shift_of(np.zeros(60), np.arange(60) >= 6, chance)
