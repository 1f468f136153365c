"""Nothing is learned but on the training rows of a fold, and nothing learned elsewhere slips in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.model_factory.handlers.cohort.typed import Measured, TypedCohort
from services.model_factory.handlers.folds.fold import Fold, HeldOutRows, LeakError, TrainingRows
from services.model_factory.handlers.folds.making import bootstrap, cross_validation, everyone, fold_numbers, split
from services.model_factory.handlers.survival.cox import fit_cox
from services.model_factory.handlers.training.grouping import maximal_cut
from services.model_factory.handlers.training.presets import PRESETS
from shared.domain.errors import InvalidInputError
from tests.unit.services.model_factory.training.small import FIVE, cohort

RECIPE = PRESETS["corrected"]


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> TypedCohort:
    return cohort(tmp_path_factory.mktemp("cohort"))


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.mark.parametrize("outside", ["the cohort", "the held-out rows", "an array"])
def test_nothing_is_fitted_outside_the_training_rows_of_a_fold(patients: TypedCohort, outside: str) -> None:
    fold = split(patients, 0.3, rng())
    prepared = RECIPE.preparation.fit(fold.training)
    rows: Any = {"the cohort": patients, "the held-out rows": fold.held_out, "an array": np.zeros((3, 3))}[outside]
    column = patients.column("hscrp")
    assert isinstance(column, Measured)

    for fit in (
        lambda: RECIPE.preparation.fit(rows),
        lambda: RECIPE.selector.fit(rows, prepared, rng()),
        lambda: fit_cox(rows, prepared, FIVE),
        lambda: maximal_cut(rows, column, rng(), 10),
    ):
        with pytest.raises(LeakError, match="training rows of a fold"):
            fit()


def test_nobody_makes_training_rows_but_a_fold(patients: TypedCohort) -> None:
    for kind in (TrainingRows, HeldOutRows):
        with pytest.raises(LeakError, match="made by a fold"):
            kind(patients, np.arange(10), "by hand", object())


def test_what_was_prepared_on_everyone_cannot_be_used_to_learn_in_a_fold(patients: TypedCohort) -> None:
    prepared = RECIPE.preparation.fit(everyone(patients).training)
    fold = next(cross_validation(everyone(patients), 3, rng()))

    with pytest.raises(LeakError, match="outside its training rows"):
        fit_cox(fold.training, prepared, FIVE)
    with pytest.raises(LeakError, match="outside its training rows"):
        RECIPE.selector.fit(fold.training, prepared, rng())


def test_a_model_is_not_judged_on_patients_it_learned_from(patients: TypedCohort) -> None:
    whole = everyone(patients).training
    model = fit_cox(whole, RECIPE.preparation.fit(whole), FIVE)
    fold = next(cross_validation(everyone(patients), 3, rng()))

    with pytest.raises(LeakError, match="held-out patients"):
        model.linear(fold.held_out)


def test_what_a_fold_learned_is_applied_to_whom_it_held_out(patients: TypedCohort) -> None:
    fold = split(patients, 0.3, rng())
    model = fit_cox(fold.training, RECIPE.preparation.fit(fold.training), FIVE)

    assert len(model.linear(fold.held_out)) == 60


def test_values_are_centred_by_the_training_patients_alone(patients: TypedCohort) -> None:
    fold = split(patients, 0.3, rng())
    fitted = RECIPE.preparation.fit(fold.training)
    changed = dict(patients.measured)
    changed["hscrp"] = changed["hscrp"].copy()
    changed["hscrp"][fold.left_out] = 150.0
    other = Fold(replace(patients, measured=changed), fold.learned_from, fold.left_out, fold.name)

    again = RECIPE.preparation.fit(other.training)

    assert np.array_equal(again.chained.means, fitted.chained.means)
    assert np.array_equal(
        fit_cox(other.training, again, FIVE).coefficients, fit_cox(fold.training, fitted, FIVE).coefficients
    )


def test_a_patient_is_never_on_both_sides(patients: TypedCohort) -> None:
    with pytest.raises(LeakError, match="holds out 1 patients it also learns from"):
        Fold(patients, np.array([0, 1, 2]), np.array([2, 3]), "bad")


def test_two_rows_of_one_patient_count_as_that_patient(patients: TypedCohort) -> None:
    twins = replace(patients, patients=("one", "one", *patients.patients[2:]))

    with pytest.raises(LeakError):
        Fold(twins, np.array([0]), np.array([1]), "one patient, two rows")


def test_every_patient_is_held_out_once_and_events_are_spread(patients: TypedCohort) -> None:
    folds = list(cross_validation(everyone(patients), 5, rng()))

    assert sorted(np.concatenate([fold.left_out for fold in folds])) == list(range(patients.n))
    events = [int(fold.held_out.events.sum()) for fold in folds]
    assert max(events) - min(events) <= 1


def test_a_patient_drawn_twice_stays_in_one_inner_fold(patients: TypedCohort) -> None:
    drawn = bootstrap(everyone(patients), rng(), "draw")
    numbers = fold_numbers(drawn.training, 5, rng())

    assert len(np.unique(drawn.training.index)) < drawn.training.n
    for place in np.unique(drawn.training.index):
        assert len(set(numbers[drawn.training.index == place])) == 1


def test_too_few_events_for_the_folds_are_refused_in_words(patients: TypedCohort) -> None:
    few = Fold(patients, np.flatnonzero(patients.events)[:3], np.array([], dtype=np.intp), "three")

    with pytest.raises(InvalidInputError, match="3 patients with the event cannot fill 5 folds"):
        fold_numbers(few.training, 5, rng())


def test_a_fold_without_anybody_to_learn_from_is_refused(patients: TypedCohort, tmp_path: Path) -> None:
    with pytest.raises(LeakError, match="nobody to learn from"):
        Fold(patients, np.array([], dtype=np.intp), np.array([1]), "empty")
