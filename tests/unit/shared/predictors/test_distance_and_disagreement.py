"""What a model has not seen, and whether variants contradict each other: said in words, with numbers by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shared.domain.prediction import VariantAnswer
from shared.predictors.disagreement import disagreements
from shared.predictors.distance import distance_of, outside
from shared.testing.images import SEEN

TWO = replace(
    SEEN, features=("a", "b"), mean=(1.0, 2.0), precision=((2.0, 0.5), (0.5, 1.0)), quantiles=((0.5, 1.0), (0.95, 3.0))
)


def test_the_distance_is_mahalanobis_and_states_its_quantile() -> None:
    found = distance_of(TWO, {"a": 2.0, "b": 0.0, "c": 99.0})

    assert found is not None
    assert found.value == pytest.approx(np.sqrt(2.0 - 2 * 0.5 * 2.0 + 4.0))
    assert (found.share, found.unusual) == (0.5, False)


def test_a_far_case_is_unusual_and_an_incomplete_one_has_no_distance() -> None:
    far = distance_of(TWO, {"a": 9.0, "b": 2.0})

    assert far is not None
    assert far.unusual
    assert far.text == "distance 11.3 from the training patients, of whom 95% lie nearer"
    assert distance_of(TWO, {"a": 9.0}) is None


def test_ranges_and_manufacturer_are_said_and_what_nobody_stated_is_passed_over() -> None:
    texts = outside(SEEN, {"volume_mm3": 2000.0}, "Nobody Medical")

    assert texts == (
        "volume mm3 is 2000; 98 % of the training patients had 100 to 900",
        "no training patient was imaged on a scanner of Nobody Medical",
    )
    assert outside(SEEN, {"volume_mm3": 500.0, "field_tesla": 3.0}, "Siemens") == ()
    assert outside(SEEN, {}, "") == ()


@pytest.mark.parametrize(
    ("interval", "other", "said"),
    [(None, 0.45, 0), (None, 0.95, 1), ((0.6, 0.8), 0.79, 0), ((0.6, 0.8), 0.81, 1), ((0.6, 0.8), None, 0)],
)
def test_a_disagreement_is_judged_by_the_interval_else_by_the_stated_difference(
    interval: tuple[float, float] | None, other: float | None, said: int
) -> None:
    rows = (VariantAnswer("rich", 0.6, interval=interval), VariantAnswer("poor", other))

    texts = disagreements(rows, "rich")
    assert len(texts) == said
    assert all(text.startswith("poor says 0.") for text in texts)
