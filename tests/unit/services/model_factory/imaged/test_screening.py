"""From many features to a handful: each step drops what it is there for."""

from __future__ import annotations

import numpy as np
import pytest

from services.model_factory.handlers.selection.screening import PAPER_FEATURES, rank_sum_p, screen
from shared.radiomics.names import feature_names

N = 200


def _rows(seed: int = 1, features: int = 30) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(N, features))
    event = rng.random(N) < 1 / (1 + np.exp(-1.5 * x[:, 3] - 1.5 * x[:, 7]))
    return x, event, rng.permutation(N) % 10


def test_the_features_that_tell_are_found() -> None:
    x, event, number = _rows()
    assert {3, 7} <= set(screen(x, event, number).places.tolist())


def test_a_feature_nearly_everybody_shares_is_dropped_however_well_it_tells() -> None:
    x, event, number = _rows()
    x[:, 3] = 0.0
    x[np.flatnonzero(event)[:8], 3] = 1.0
    found = screen(x, event, number)
    assert found.steps[0].left == 29
    assert 3 not in found.places


def test_a_feature_without_a_finite_value_is_dropped() -> None:
    x, event, number = _rows()
    x[0, 3] = np.nan
    assert 3 not in screen(x, event, number).places


def test_a_feature_two_masks_disagree_about_is_dropped() -> None:
    x, event, number = _rows()
    icc = np.ones(30)
    icc[3] = 0.74
    found = screen(x, event, number, icc)
    assert 3 not in found.places
    assert 7 in found.places


def test_of_two_that_say_the_same_the_better_one_stays() -> None:
    x, event, number = _rows()
    rng = np.random.default_rng(9)
    x[:, 4] = x[:, 3] + 0.1 * rng.normal(size=N)
    p = rank_sum_p(x, event)
    better = 3 if p[3] <= p[4] else 4
    chosen = set(screen(x, event, number).places.tolist())
    assert chosen & {3, 4} == {better}


def test_no_more_than_one_feature_for_ten_events() -> None:
    rng = np.random.default_rng(2)
    latent = rng.normal(size=60)
    x = 0.8 * latent[:, None] + rng.normal(size=(60, 40))
    event = rng.random(60) < 1 / (1 + np.exp(-3 * latent))
    fewest = int(min(event.sum(), (~event).sum()))
    found = screen(x, event, rng.permutation(60) % 10)
    assert 0 < len(found.places) <= fewest // 10


def test_where_nothing_tells_nothing_is_chosen() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(N, 3))
    x[:, :] = np.arange(N)[:, None] % 2
    event = (np.arange(N) // 2) % 2 == 0
    assert len(screen(x, event, rng.permutation(N) % 10).places) == 0


@pytest.mark.parametrize("feature", PAPER_FEATURES)
def test_the_papers_features_are_measured_under_their_names(feature: str) -> None:
    assert feature in feature_names("A")
