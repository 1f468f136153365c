"""Random forest and gradient boosting as selectors; both on one thread, so that a seed gives one answer."""

from __future__ import annotations

from typing import Literal

import numpy as np

from services.model_factory.handlers.cohort.typed import Counts, Flags, Numbers

Target = Literal["event", "time_to_event"]

BOOSTING_DEPTH = 3
BOOSTING_RATE = 0.1
BOOSTING_ROUNDS = 300
EARLY_STOP = 10
"""Rounds without a better cross-validated loss after which boosting stops."""
LEAF = 5
"""Smallest leaf of a regression tree (R package randomForest: 5 in regression, 1 in classification)."""


def forest_importance(
    x: Numbers, years: Numbers, event: Flags, target: Target, trees: int, rng: np.random.Generator
) -> Numbers:
    """Return the mean decrease in impurity of every column.

    ``event``: a classification forest on whether the event was ever seen. ``time_to_event``: a regression forest on
    the martingale residuals of the model without covariates (Therneau, Grambsch & Fleming, Biometrika 1990;77:147-160).
    """
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    seed = int(rng.integers(2**31))
    if target == "event":
        forest = RandomForestClassifier(trees, random_state=seed, n_jobs=1).fit(x, event.astype(np.int64))
    else:
        residuals = event - nelson_aalen(years, event)
        forest = RandomForestRegressor(
            trees, max_features=1 / 3, min_samples_leaf=LEAF, random_state=seed, n_jobs=1
        ).fit(x, residuals)
    return np.asarray(forest.feature_importances_, dtype=np.float64)


def nelson_aalen(years: Numbers, event: Flags) -> Numbers:
    """Return every row's cumulative hazard at its own time."""
    times, counts = np.unique(years[event], return_counts=True)
    at_risk = len(years) - np.searchsorted(np.sort(years), times, side="left")
    hazard = np.cumsum(counts / at_risk)
    place = np.searchsorted(times, years, side="right")
    return np.asarray(np.concatenate([[0.0], hazard])[place], dtype=np.float64)


def boosting_gain(
    x: Numbers, years: Numbers, event: Flags, number: Counts, target: Target, rng: np.random.Generator
) -> Numbers:
    """Return the total gain of every column, 0 where no tree splits on it.

    As many rounds as the cross-validated loss asks for; ``number`` is every row's fold. ``time_to_event`` is Cox's
    partial likelihood.
    """
    import xgboost

    label = event.astype(np.float64) if target == "event" else np.where(event, years, -years)
    table = xgboost.DMatrix(x, label=label, nthread=1)
    settings = {
        "objective": "binary:logistic" if target == "event" else "survival:cox",
        "eval_metric": "logloss" if target == "event" else "cox-nloglik",
        "max_depth": BOOSTING_DEPTH, "eta": BOOSTING_RATE, "tree_method": "hist", "nthread": 1,
        "seed": int(rng.integers(2**31)), "verbosity": 0,
    }  # fmt: skip
    folds = [(np.flatnonzero(number != k), np.flatnonzero(number == k)) for k in np.unique(number)]
    watched = xgboost.cv(
        settings, table, BOOSTING_ROUNDS, folds=folds, early_stopping_rounds=EARLY_STOP, as_pandas=False, shuffle=False
    )
    losses = watched[f"test-{settings['eval_metric']}-mean"]
    model = xgboost.train(settings, table, int(np.argmin(losses)) + 1)
    gain = np.zeros(x.shape[1])
    for column, value in model.get_score(importance_type="total_gain").items():
        gain[int(column.removeprefix("f"))] = value
    return gain
