"""From score to probability: Platt's logistic model, fitted on scores of slides the network has not seen.

Platt, in: Advances in Large Margin Classifiers, 1999, 61-74.
"""

from __future__ import annotations

import math

import numpy as np

from services.model_factory.handlers.cohort.typed import Counts, Flags, Numbers
from services.model_factory.handlers.slides.results import Platt
from services.model_factory.handlers.statistics.logistic import logistic

_RIDGE = 0.1
"""Where the scores separate the classes, or nearly so: of the standardised score."""


def fit_platt(score: Numbers, event: Flags) -> Platt:
    """Return the curve; a score that never varies gives the prevalence, and the note says so.

    Raises:
        ValueError: If all slides are of one class.
    """
    if event.all() or not event.any():
        raise ValueError("a probability needs slides of both classes")
    n, events = len(event), int(event.sum())
    if np.ptp(score) == 0:
        zero = ((0.0, 0.0), (0.0, 0.0))
        said = "Every judged slide has the same score: the probability is the cohort's share."
        return Platt(math.log(events / (n - events)), 0.0, zero, n, events, penalised=True, note=said)
    penalised = False
    try:
        fit = logistic(score[:, None], event)
    except ValueError:
        fit, penalised = logistic(score[:, None], event, ridge=_RIDGE), True
    intercept, slope = (float(one) for one in fit.coefficients)
    covariance = tuple(tuple(float(v) for v in row) for row in fit.covariance)
    notes = ["The scores separate the classes: fitted with a penalty."] * penalised
    if slope < 0:
        notes.append("A higher score goes with a lower probability here: this score ranks the other class.")
    return Platt(intercept, slope, covariance, n, events, penalised, " ".join(notes))


def probability(platt: Platt, score: Numbers) -> Numbers:
    """Return P(her2_positive)."""
    odds: Numbers = np.clip(platt.intercept + platt.slope * score, -500, 500)
    return np.asarray(1.0 / (1.0 + np.exp(-odds)))


def cross_fitted(score: Numbers, event: Flags, fold: Counts) -> Numbers:
    """Return every slide's probability by a curve fitted on the other folds; NaN where that cannot be."""
    found = np.full(len(score), np.nan)
    for one in np.unique(fold):
        mine = fold == one
        try:
            found[mine] = probability(fit_platt(score[~mine], event[~mine]), score[mine])
        except ValueError:
            continue
    return found
