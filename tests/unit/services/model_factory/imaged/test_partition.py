"""Scores out-of-fold: nobody is scored by what has seen her, and every set of parts is learned from once."""

from __future__ import annotations

import numpy as np
import pytest

from services.model_factory.handlers.cohort.imaged import ImagedCohort
from services.model_factory.handlers.folds.fold import LeakError, TrainingRows, learning_from
from services.model_factory.handlers.folds.making import everyone, stratified_split
from services.model_factory.handlers.imaged.partition import CrossFitted, Opinion, Partition
from tests.unit.services.model_factory.imaged.small import cohort

PARTS = 4


class SeenAs:
    """A step whose score of a patient is the number of its fit; it remembers who each fit learned from."""

    def __init__(self) -> None:
        self.learned: list[frozenset[str]] = []

    def __call__(self, rows: TrainingRows[ImagedCohort], name: str) -> Opinion:
        self.learned.append(rows.patients)
        return Opinion(np.full(rows.cohort.n, float(len(self.learned) - 1)), learning_from(rows))


@pytest.fixture(scope="module")
def patients() -> ImagedCohort:
    return cohort(80)[0]


def _crossed(patients: ImagedCohort) -> tuple[CrossFitted, SeenAs]:
    step = SeenAs()
    partition = Partition.of(everyone(patients), PARTS, np.random.default_rng(1))
    return CrossFitted(partition, step, "x"), step


@pytest.mark.parametrize("held_out", [None, 0, 3])
def test_no_row_is_scored_by_what_has_seen_it_or_the_part_that_is_judged(
    patients: ImagedCohort, held_out: int | None
) -> None:
    crossed, step = _crossed(patients)
    away = frozenset() if held_out is None else frozenset({held_out})
    rows = crossed.partition.without(away, held_out)
    scores = crossed.training(held_out)
    assert len(scores) == rows.training.n
    for place, score in zip(rows.training.index, scores, strict=True):
        learned = step.learned[int(score)]
        assert patients.patients[place] not in learned
        assert not learned & rows.held_out.patients


def test_every_set_of_parts_is_learned_from_once(patients: ImagedCohort) -> None:
    crossed, step = _crossed(patients)
    for part in range(PARTS):
        crossed.training(part)
        crossed.judged(part)
    crossed.training(None)
    crossed.opinion(frozenset())
    assert len(step.learned) == PARTS * (PARTS - 1) // 2 + PARTS + 1
    assert len(set(step.learned)) == len(step.learned)


def test_an_opinion_is_not_asked_about_whom_it_has_seen(patients: ImagedCohort) -> None:
    crossed, _ = _crossed(patients)
    everybody = crossed.opinion(frozenset())
    with pytest.raises(LeakError):
        everybody.of(crossed.partition.without(frozenset({0}), 0).held_out)


def test_in_sample_scores_are_given_to_the_very_rows_alone(patients: ImagedCohort) -> None:
    crossed, _ = _crossed(patients)
    everybody = crossed.opinion(frozenset())
    assert len(everybody.of_its_own(crossed.partition.fold.training)) == patients.n
    with pytest.raises(LeakError):
        everybody.of_its_own(crossed.partition.without(frozenset({0}), 0).training)


def test_a_split_holds_out_the_same_share_of_both_outcomes(patients: ImagedCohort) -> None:
    fold = stratified_split(patients, 0.3, np.random.default_rng(1))
    assert not fold.training.patients & fold.held_out.patients
    assert fold.held_out.events.mean() == pytest.approx(patients.events.mean(), abs=0.03)
