"""The best any model can do on the simulated slides: AUC of the true probabilities, by Monte Carlo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shared.phantoms.dce.bayes import Estimate, auc
from shared.phantoms.slides.truth import draw_truths

_BATCHES = 20


@dataclass(frozen=True, slots=True)
class BayesLimits:
    """What knowing ``shown`` exactly would reach."""

    her2: Estimate
    """AUC for HER2-positive (positive class)."""
    residual: Estimate
    """AUC of ``shown`` for non-pCR (positive class), NAT arm."""


def bayes_limits(slides: int = 400_000, seed: int = 20_261_121) -> BayesLimits:
    """Return the AUCs with their Monte-Carlo standard errors; batches of ``slides`` / 20."""
    rng = np.random.default_rng(seed)
    drawn = np.array([_batch(rng, slides // _BATCHES) for _ in range(_BATCHES)])
    errors = drawn.std(axis=0, ddof=1) / np.sqrt(_BATCHES)
    found = [Estimate(float(value), float(error)) for value, error in zip(drawn.mean(axis=0), errors, strict=True)]
    return BayesLimits(*found)


def _batch(rng: np.random.Generator, n: int) -> tuple[float, float]:
    truth = draw_truths(rng, n)
    treated = truth.rcb != ""
    return auc(truth.probability, truth.positive), auc(truth.shown[treated], truth.rcb[treated] != "0")
