"""Disease-free survival by what was predicted (the paper's figure 5); patients with M1 are no part of it (P0-17)."""

from __future__ import annotations

import numpy as np

from services.model_factory.handlers.cohort.imaged import FollowUp, ImagedCohort
from services.model_factory.handlers.cohort.typed import Categorical, Flags, Numbers
from services.model_factory.handlers.imaged.predicting import Predicted
from services.model_factory.handlers.imaged.results import Fared
from services.model_factory.handlers.statistics.effect_table import hazard_ratios
from services.model_factory.handlers.training.curves import SurvivalByGroup
from services.model_factory.handlers.training.grouping import group_curves
from services.model_factory.handlers.training.stated import Ratio

CALLED, NOT_CALLED = "pCR predicted", "no pCR predicted"
LOG_ODDS_AT_MOST = 7.0
"""Of a probability of .999: a forest may say 1."""


def fared(one: Predicted, cohort: ImagedCohort) -> Fared | None:
    """Return how the patients of ``one`` fared; None where the cohort records it of nobody."""
    if cohort.follow_up is None or one.kind not in ("out_of_fold", "held_out"):
        return None
    inside = ~_metastatic(cohort)[one.index]
    later = FollowUp(cohort.follow_up.years[one.index][inside], cohort.follow_up.events[one.index][inside])
    probability, called = one.probability[inside], np.asarray(one.called[inside])
    return Fared(
        one.model,
        "out_of_fold" if one.kind == "out_of_fold" else "held_out",
        _by_call(later, called, one.model),
        _by_third(later, probability, one.model),
        _per_log_odds(later, probability),
        int((~inside).sum()),
    )


def _metastatic(cohort: ImagedCohort) -> Flags:
    column = cohort.column("m") if "m" in cohort.categorical else None
    if not isinstance(column, Categorical):
        return np.zeros(cohort.n, dtype=np.bool_)
    codes = [place for place, level in enumerate(column.levels) if level.upper().removeprefix("M") == "1"]
    return np.isin(cohort.categorical["m"], codes)


def _by_call(later: FollowUp, called: Flags, model: str) -> SurvivalByGroup | None:
    groups = [(NOT_CALLED, np.asarray(~called)), (CALLED, called)]
    return _tried(later, model, "by the frozen threshold", groups)


def _by_third(later: FollowUp, probability: Numbers, model: str) -> SurvivalByGroup | None:
    low, high = np.quantile(probability, [1 / 3, 2 / 3])
    groups = [
        ("lowest third", np.asarray(probability <= low)),
        ("middle third", np.asarray((probability > low) & (probability <= high))),
        ("highest third", np.asarray(probability > high)),
    ]
    return _tried(later, model, "by thirds of the predicted probability of axillary pCR", groups)


def _tried(later: FollowUp, model: str, how: str, groups: list[tuple[str, Flags]]) -> SurvivalByGroup | None:
    kept = [one for one in groups if one[1].any()]
    if len(kept) < 2 or not later.events.any():
        return None
    return group_curves(later.years, later.events, model, how, kept)


def _per_log_odds(later: FollowUp, probability: Numbers) -> Ratio | None:
    certain = 1.0 / (1.0 + np.exp(LOG_ODDS_AT_MOST))
    clipped = np.clip(probability, certain, 1.0 - certain)
    log_odds = np.log(clipped) - np.log1p(-clipped)
    (row,) = hazard_ratios(log_odds[:, None], later.years, later.events, ["log_odds"])
    if row.univariable is None or row.univariable_p is None:
        return None
    return Ratio(row.univariable.value, row.univariable.interval, row.univariable_p)
