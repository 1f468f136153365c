"""What is true in the simulated cohort: five variables drive the hazard of lung metastasis, 44 candidates do nothing.

h(t) = h0(t) exp(sum of coefficient x (column - centre)), Weibull baseline; death without it comes at a constant rate.
The signs are paper 002's (hsCRP and IL-6 raise the risk, IFN-alpha, TNF-alpha and endocrine therapy lower it); it
publishes no coefficient, so the sizes are the simulation's own.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from shared.phantoms.cohort.drawing import Levels, Numbers, draw_factors, draw_measured

COEFFICIENTS: Mapping[str, float] = {
    "endocrine_therapy_received": -0.95,
    "hscrp": 0.60,
    "il6": 0.55,
    "ifn_alpha": -0.95,
    "tnf_alpha": -1.00,
}
"""Log hazard ratio of yes against no, and per unit of ln(1 + value in mg/L or pg/mL)."""

CENTRES: Mapping[str, float] = {
    "endocrine_therapy_received": 142 / 326,
    "hscrp": 1.1,
    "il6": 1.85,
    "ifn_alpha": 1.22,
    "tnf_alpha": 1.15,
}

SHAPE = 1.1
"""Of the Weibull baseline: a hazard that rises slightly."""
DEATH_RATE = 0.012
"""Per year: death without lung metastasis."""


def linear_predictor(measured: Mapping[str, Numbers], factors: Mapping[str, Levels]) -> Numbers:
    """Return the true log relative hazard of every patient."""
    total = np.zeros(len(measured["hscrp"]))
    for name, coefficient in COEFFICIENTS.items():
        column = (factors[name] == "yes").astype(float) if name in factors else np.log1p(measured[name])
        total += coefficient * (column - CENTRES[name])
    return total


def event_times(rng: np.random.Generator, linear: Numbers, scale_years: float) -> Numbers:
    """Return the years to lung metastasis: H(t) = (t / scale) ** shape x exp(linear)."""
    return scale_years * (rng.exponential(size=len(linear)) / np.exp(linear)) ** (1.0 / SHAPE)


def death_times(rng: np.random.Generator, n: int) -> Numbers:
    """Return the years to death without lung metastasis."""
    return rng.exponential(1.0 / DEATH_RATE, size=n)


def bayes_auc(years: float, scale_years: float, patients: int = 100_000, seed: int = 20_251_121) -> float:
    """Return the AUC no model can beat: the true linear predictor against the event by ``years``, without censoring."""
    rng = np.random.default_rng(seed)
    measured, latent = draw_measured(rng, patients)
    linear = linear_predictor(measured, draw_factors(rng, patients, latent))
    return _auc(linear, event_times(rng, linear, scale_years) <= years)


def _auc(score: Numbers, event: NDArray[np.bool_]) -> float:
    order = np.argsort(score, kind="stable")
    ranks = np.empty(len(score))
    ranks[order] = np.arange(1, len(score) + 1)
    cases = int(event.sum())
    return float((ranks[event].sum() - cases * (cases + 1) / 2) / (cases * (len(score) - cases)))
