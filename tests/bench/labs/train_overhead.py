"""``train_overhead``: selection plus one fit of the factory, against scikit-learn, xgboost and lifelines called bare.

The bare run makes the same number of fits on the same arrays with the same settings, without folds, preparation or
results; Cox-LASSO has no bare library of ours to call, so the ``corrected`` row calls the same own statistic on both
sides. Ratio above 1: ours is faster. Bootstraps are not timed.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from services.model_factory.formats.cohort_reading import read_cohort
from services.model_factory.handlers.cohort.typed import TypedCohort
from services.model_factory.handlers.folds.making import everyone, fold_numbers
from services.model_factory.handlers.selection.lasso import LAMBDAS, SMALLEST, standardised
from services.model_factory.handlers.selection.trees import BOOSTING_RATE, BOOSTING_ROUNDS, EARLY_STOP, LEAF
from services.model_factory.handlers.statistics.cox_lasso import cox_lasso_cv
from services.model_factory.handlers.training.pipeline import fit_pipeline
from services.model_factory.handlers.training.presets import PRESETS, Recipe
from services.model_factory.handlers.training.stated import Preset
from shared.phantoms.cohort.simulate import simulate_cohort
from shared.phantoms.cohort.writing import MANIFEST_FILE, cohort_files
from tests.bench.labs.options import Measured, Options
from tests.bench.rows import Row

SIZES, FULL_SIZES = (326, 5_000), (326, 5_000, 50_000)


def measure(options: Options) -> Measured:
    """Return one row per preset and size: seconds of ours and of the bare libraries."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        rows = tuple(_row(preset, n) for n in (FULL_SIZES if options.full else SIZES) for preset in PRESETS)
    return Measured(rows, ("training: selection plus one fit, no bootstraps; one thread on both sides",))


def _row(preset: Preset, n: int) -> Row:
    recipe = _sized(PRESETS[preset], n)
    cohort = _cohort(n)
    _warm()
    # Interleaved, best of two where that takes a moment: the machine's other work goes into both.
    times = [
        (_timed(lambda: _ours(cohort, recipe)), _timed(lambda: _bare(cohort, recipe)))
        for _ in range(2 if n < 1_000 else 1)
    ]
    ours, bare = (min(pair[side] for pair in times) for side in (0, 1))
    return Row(f"train_overhead {preset} n={n}", ours, bare, "scikit-learn, xgboost, lifelines bare", "s")


def _sized(recipe: Recipe, n: int) -> Recipe:
    """Take fewer trees for many patients: the ratio is asked for, not the forest."""
    trees = recipe.selector.trees if n < 1_000 else 50
    return dataclasses.replace(recipe, selector=dataclasses.replace(recipe.selector, trees=trees))


def _cohort(n: int) -> TypedCohort:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in cohort_files(simulate_cohort(n, 1)).items():
            (Path(folder) / name).write_bytes(content)
        return read_cohort(Path(folder) / MANIFEST_FILE)


def _timed(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def _warm() -> None:
    import lifelines
    import sklearn.ensemble
    import sklearn.linear_model
    import xgboost

    assert all((lifelines, sklearn.ensemble, sklearn.linear_model, xgboost))


def _ours(cohort: TypedCohort, recipe: Recipe) -> None:
    fit_pipeline(everyone(cohort).training, recipe, np.random.default_rng(1))


def _bare(cohort: TypedCohort, recipe: Recipe) -> None:
    """The same fits on arrays that lie ready."""
    import pandas as pd
    import xgboost
    from lifelines import CoxPHFitter
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.linear_model import LogisticRegression

    rows = everyone(cohort).training
    x = recipe.preparation.fit(rows).design(rows).varying().x
    years, event, number = rows.years, rows.events, fold_numbers(rows, recipe.selector.folds, np.random.default_rng(1))
    z, binary = standardised(x), recipe.selector.target == "event"
    if binary:
        largest = float(np.abs(z.T @ (event - event.mean())).max() / len(z))
        for k in (*range(recipe.selector.folds), -1):
            kept = number != k
            for penalty in np.geomspace(largest, largest * SMALLEST, LAMBDAS):
                LogisticRegression(
                    l1_ratio=1.0, solver="liblinear", C=1 / (kept.sum() * penalty), intercept_scaling=100.0,
                    max_iter=200, random_state=0,
                ).fit(z[kept], event[kept])  # fmt: skip
        RandomForestClassifier(recipe.selector.trees, random_state=1).fit(x, event)
    else:
        cox_lasso_cv(z, years, event, number)
        RandomForestRegressor(
            recipe.selector.trees, max_features=1 / 3, min_samples_leaf=LEAF, random_state=1
        ).fit(x, event - years / years.max())  # fmt: skip
    table = xgboost.DMatrix(x, label=event if binary else np.where(event, years, -years), nthread=1)
    settings = {
        "objective": "binary:logistic" if binary else "survival:cox", "max_depth": 3, "eta": BOOSTING_RATE,
        "tree_method": "hist", "nthread": 1,
    }  # fmt: skip
    folds = [(np.flatnonzero(number != k), np.flatnonzero(number == k)) for k in np.unique(number)]
    watched = xgboost.cv(
        settings, table, BOOSTING_ROUNDS, folds=folds, early_stopping_rounds=EARLY_STOP, as_pandas=False, shuffle=False
    )
    losses: Any = watched
    xgboost.train(settings, table, len(next(iter(losses.values()))))
    CoxPHFitter().fit(pd.DataFrame(z[:, :5]).rename(columns=str).assign(t=years, e=event), "t", "e")
