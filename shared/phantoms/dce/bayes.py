"""The best any model can do on the simulated cohort: AUC of the true probabilities, by Monte Carlo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.phantoms.dce.clinic import Numbers, draw_clinic
from shared.phantoms.dce.truth import IMAGE_EFFECT, clinical_logit, model_logit, probability

_BATCHES = 20


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over independent draws."""

    value: float
    standard_error: float


@dataclass(frozen=True, slots=True)
class BayesAuc:
    """Area under the ROC curve for axillary pCR (positive class), knowing different parts of the truth."""

    clinic: Estimate
    """Every clinical input."""
    model_variables: Estimate
    """ER, HER2 and T: what the paper's clinical model knows."""
    image: Estimate
    """The image factor alone."""
    model_variables_and_image: Estimate
    clinic_and_image: Estimate
    """Everything: no model can do better."""
    gap: Estimate
    """``clinic_and_image`` less ``clinic``, on the same draws."""


def bayes_auc(patients: int = 400_000, seed: int = 20_251_121) -> BayesAuc:
    """Return the AUCs with their Monte-Carlo standard errors; batches of ``patients`` / 20."""
    rng = np.random.default_rng(seed)
    drawn = np.array([_batch(rng, patients // _BATCHES) for _ in range(_BATCHES)])
    drawn = np.column_stack([drawn, drawn[:, 4] - drawn[:, 0]])
    errors = drawn.std(axis=0, ddof=1) / np.sqrt(_BATCHES)
    found = [Estimate(float(value), float(error)) for value, error in zip(drawn.mean(axis=0), errors, strict=True)]
    return BayesAuc(*found)


def _batch(rng: np.random.Generator, n: int) -> list[float]:
    clinic, image = draw_clinic(rng, n), rng.standard_normal(n)
    response = rng.random(n) < probability(clinic, image)
    knowing, known = clinical_logit(clinic), model_logit(clinic)
    scores = (knowing, known, image, known + IMAGE_EFFECT * image, knowing + IMAGE_EFFECT * image)
    return [auc(score, response) for score in scores]


def auc(score: Numbers, event: NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve of ``score`` (higher: event), ties counted half.

    Raises:
        ValueError: If there is no event, or nothing else.
    """
    cases = int(event.sum())
    if not 0 < cases < len(event):
        raise ValueError("an AUC needs events and non-events")
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[event].sum() - cases * (cases + 1) / 2) / (cases * (len(score) - cases)))
