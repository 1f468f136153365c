"""Each selector on data whose truth is known; the intersection; and the simulated cohort's own truth."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from services.model_factory.formats.cohort_reading import read_cohort
from services.model_factory.handlers.cohort.design import Design, DesignColumn
from services.model_factory.handlers.cohort.typed import Flags, Numbers
from services.model_factory.handlers.folds.fold import Fold
from services.model_factory.handlers.folds.making import everyone
from services.model_factory.handlers.selection.lasso import binomial_lasso, cox_lasso
from services.model_factory.handlers.selection.selector import METHODS, Selected
from services.model_factory.handlers.selection.trees import Target, boosting_gain, forest_importance, nelson_aalen
from services.model_factory.handlers.statistics.dynamic_auc import dynamic_auc
from services.model_factory.handlers.training.pipeline import fit_pipeline
from services.model_factory.handlers.training.presets import PRESETS, Recipe
from shared.phantoms.cohort.factors import FACTORS_TABLE
from shared.phantoms.cohort.measured import MEASURED
from shared.phantoms.cohort.simulate import LONG
from shared.phantoms.cohort.truth import bayes_auc
from tests.unit.services.model_factory.training.small import FIVE, write_cohort


def quick(preset: str, trees: int = 60) -> Recipe:
    recipe = PRESETS["paper" if preset == "paper" else "corrected"]
    return dataclasses.replace(recipe, selector=dataclasses.replace(recipe.selector, trees=trees))


def simulated(n: int = 400) -> tuple[Design, Numbers, Flags]:
    """Return ten columns of which the first two matter."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, 10))
    hazard = np.exp(x[:, 0] - x[:, 1])
    event_at, end = rng.exponential(1 / hazard), rng.uniform(0.2, 3.0, n)
    columns = tuple(DesignColumn(f"x{i}", f"x{i}", "identity") for i in range(10))
    return Design(columns, x), np.minimum(event_at, end), event_at < end


def test_both_lassos_keep_what_matters_and_the_stricter_rule_little_else() -> None:
    design, years, event = simulated()
    number = np.arange(len(years)) % 5

    minimal, strict = binomial_lasso(design, event, number), cox_lasso(design, years, event, number)

    assert set(np.flatnonzero(minimal.coefficients)) >= {0, 1}
    assert set(np.flatnonzero(strict.coefficients)) >= {0, 1}
    assert (strict.coefficients != 0).sum() <= 5


def test_the_path_is_that_of_scikit_learn_with_a_free_intercept() -> None:
    design, _, event = simulated()
    path = binomial_lasso(design, event, np.arange(len(event)) % 5).path
    penalty = path.lambdas[20]
    x = (design.x - design.x.mean(axis=0)) / design.x.std(axis=0)

    peer = LogisticRegression(l1_ratio=1.0, solver="saga", C=1 / (len(event) * penalty), tol=1e-9, max_iter=20_000)

    assert path.coefficients[20] == pytest.approx(peer.fit(x, event).coef_[0], abs=2e-3)
    assert not any(path.coefficients[0])


@pytest.mark.parametrize("target", ["event", "time_to_event"])
def test_trees_rank_what_matters_first_and_the_same_every_time(target: Target) -> None:
    design, years, event = simulated()
    number = np.arange(len(years)) % 5

    def ranked() -> list[Numbers]:
        rng = np.random.default_rng(5)
        forest = forest_importance(design.x, years, event, target, 50, rng)
        return [forest, boosting_gain(design.x, years, event, number, target, rng)]

    for one, again in zip(ranked(), ranked(), strict=True):
        assert set(np.argsort(-one)[:2]) == {0, 1}
        assert np.array_equal(one, again)


def test_the_cumulative_hazard_is_counted_by_hand() -> None:
    hazard = nelson_aalen(np.array([1.0, 2.0, 2.0, 3.0]), np.array([True, True, False, True]))

    assert hazard == pytest.approx([1 / 4, 1 / 4 + 1 / 3, 1 / 4 + 1 / 3, 1 / 4 + 1 / 3 + 1])


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Selected:
    rows = everyone(read_cohort(write_cohort(tmp_path_factory.mktemp("c"), n=300))).training
    selected = fit_pipeline(rows, quick("paper"), np.random.default_rng(1)).selected
    assert selected is not None
    return selected


def test_the_intersection_is_what_all_three_chose(chosen: Selected) -> None:
    assert set(chosen.intersection) == set.intersection(*(set(chosen.by_method[name]) for name in METHODS))


def test_the_fields_of_the_venn_diagram_hold_every_chosen_candidate_once(chosen: Selected) -> None:
    everything = [name for field in chosen.venn for name in field.candidates]

    assert len(chosen.venn) == 7
    assert sorted(everything) == sorted(set().union(*chosen.by_method.values()))
    assert [field.candidates for field in chosen.venn if len(field.methods) == 3] == [chosen.intersection]


def test_a_forest_keeps_what_is_above_the_mean(chosen: Selected) -> None:
    forest = chosen.methods[1].importances
    mean = sum(one.importance for one in forest) / len(forest)

    assert all(one.chosen == (one.importance > mean) for one in forest)


def test_from_5000_patients_nine_tenths_of_what_can_be_known_is_learned(tmp_path: Path) -> None:
    """(AUC - .5) / (Bayes AUC - .5) on 3000 patients held out; 49 candidates, selection included."""
    candidates = (*(one.name for one in MEASURED), *(one.name for one in FACTORS_TABLE))
    cohort = read_cohort(write_cohort(tmp_path, n=8000, seed=11, columns=candidates))
    fold = Fold(cohort, np.arange(5000), np.arange(5000, 8000), "5000 to learn from")

    fitted = fit_pipeline(fold.training, quick("corrected", trees=25), np.random.default_rng(1))

    new = fold.held_out
    auc = dynamic_auc(new.years, new.events, fitted.model.linear(new), 5.0)
    assert len(cohort.columns) == 49
    assert len(set(FIVE) & set(fitted.variables)) >= 4
    assert (auc - 0.5) / (bayes_auc(5.0, LONG.scale_years) - 0.5) >= 0.9
