"""From 1781 radiomic features to a handful, on the training rows of one fold (paper 000, "rigorous screening").

The paper does not say how; the steps and their limits are those of the project's methods, section 1.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from services.model_factory.handlers.cohort.typed import Counts, Flags, Numbers
from services.model_factory.handlers.selection.lasso import binomial_path, standardised

NEARLY_CONSTANT = 0.95
"""Share of the patients with one and the same value from which a feature tells nothing."""
ICC_FROM = 0.75
"""Koo & Li, J Chiropr Med 2016;15:155-163: good from .75."""
P_BELOW = 0.05
RHO_ABOVE = 0.9
EVENTS_PER_FEATURE = 10

PAPER_FEATURES = (
    "exponential_glcm_MCC",
    "squareroot_glcm_Imc1",
    "log-sigma-3-0-mm-3D_firstorder_TotalEnergy",
    "lbp-3D-m2_glrlm_RunLengthNonUniformity",
    "square_glcm_ClusterProminence",
    "wavelet-HHL_glcm_JointEnergy",
)
"""Paper 000, results: the six features of its rad-score, by their pyradiomics names."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the screening."""

    name: str
    left: int
    """Features that stay after it."""


@dataclass(frozen=True, slots=True, eq=False)
class Screened:
    """What the screening leaves, with the coefficients on standardised columns."""

    places: Counts
    """Columns of the feature table."""
    coefficients: Numbers
    steps: tuple[Step, ...]


def screen(x: Numbers, event: Flags, number: Counts, icc: Numbers | None = None) -> Screened:
    """Screen the columns of ``x`` (training rows, features); ``number`` is every row's fold, ``icc`` per feature.

    Only ever called on the rows that are learned from.
    """
    places = np.flatnonzero(_varying(x))
    steps = [Step("not nearly constant", len(places))]
    if icc is not None:
        places = places[np.nan_to_num(icc[places], nan=-1.0) >= ICC_FROM]
        steps.append(Step(f"ICC of two masks at least {ICC_FROM:g}", len(places)))
    p = rank_sum_p(x[:, places], event)
    places, p = places[p < P_BELOW], p[p < P_BELOW]
    steps.append(Step(f"Mann-Whitney p below {P_BELOW:g}", len(places)))
    places = places[_unlike(x[:, places], p)]
    steps.append(Step(f"no Spearman correlation above {RHO_ABOVE:g} with a better one", len(places)))
    cap = max(1, int(min(event.sum(), (~event).sum())) // EVENTS_PER_FEATURE)
    coefficients = _lasso(x[:, places], event, number, cap)
    kept = np.flatnonzero(coefficients)
    steps.append(Step(f"L1 logistic regression, lambda.1se, at most {cap}", len(kept)))
    return Screened(places[kept], coefficients[kept], tuple(steps))


def _varying(x: Numbers) -> Flags:
    finite = np.isfinite(x).all(axis=0)
    ordered = np.sort(np.where(finite, x, 0.0), axis=0)
    same = max(1, math.ceil(NEARLY_CONSTANT * len(x)))
    # With values in order, some value is shared by `same` rows exactly where two values that far apart are equal.
    constant = (ordered[same - 1 :] == ordered[: len(x) - same + 1]).any(axis=0)
    return np.asarray(finite & ~constant)


def rank_sum_p(x: Numbers, event: Flags) -> Numbers:
    """Return the two-sided p of the Wilcoxon-Mann-Whitney test (normal, ties corrected) of every column."""
    from scipy.stats import mannwhitneyu

    if not x.shape[1]:
        return np.empty(0)
    found = mannwhitneyu(x[event], x[~event], alternative="two-sided", method="asymptotic", axis=0)
    return np.asarray(found.pvalue, dtype=np.float64)


def _unlike(x: Numbers, p: Numbers) -> Counts:
    """Return the columns that are like none with a smaller p, in the order of the table."""
    if not x.shape[1]:
        return np.empty(0, dtype=np.intp)
    from scipy.stats import rankdata

    ranks = standardised(rankdata(x, axis=0))
    rho = np.abs(ranks.T @ ranks) / len(x)
    kept: list[int] = []
    for place in np.argsort(p, kind="stable"):
        if not kept or rho[place, kept].max() <= RHO_ABOVE:
            kept.append(int(place))
    return np.sort(np.array(kept, dtype=np.intp))


def _lasso(x: Numbers, event: Flags, number: Counts, cap: int) -> Numbers:
    if not x.shape[1]:
        return np.empty(0)
    found = binomial_path(x, event, number)
    best = found.one_standard_error
    within = np.flatnonzero((found.coefficients != 0).sum(axis=1) <= cap)
    chosen = np.asarray(found.coefficients[int(within[within <= best].max(initial=0))])
    return chosen if chosen.any() else _largest(found.coefficients[best], cap)


def _largest(coefficients: Numbers, most: int) -> Numbers:
    """Keep the ``most`` largest; for features so alike that more than allowed enter the path at once."""
    kept = np.argsort(-np.abs(coefficients), kind="stable")[:most]
    return np.where(np.isin(np.arange(len(coefficients)), kept), coefficients, 0.0)
