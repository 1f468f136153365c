"""What is true in the simulated cohort: the clinic and one latent factor of the image decide the axillary response.

logit P(axillary pCR) = INTERCEPT - CLINIC_EFFECT x sum ln(OR) + IMAGE_EFFECT x image factor. The odds ratios are those
of paper 000, table 3, which models NON-pCR (methods P0-2): the multivariable ones, except the number of cycles (its
univariable one; P0-11); what that table's last model leaves out (age, P53, N) or finds without effect (Ki67) has none.
The image factor is standard normal and independent of the clinic; how it shows is in ``tumour.py``. Odds ratios given
the image are larger than odds ratios without it: CLINIC_EFFECT makes up for that, so that a univariable fit to the
simulated sheet finds the paper's (measured: README).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.phantoms.dce.clinic import Clinic, Levels, Numbers

ODDS_RATIOS: Mapping[tuple[str, str], float] = {
    ("histology", "other"): 3.23, ("nac_cycles", "6-8"): 0.59, ("nac_cycles", "other"): 1.00, ("er", "positive"): 2.61,
    ("pr", "positive"): 1.37, ("her2", "low"): 1.43, ("her2", "3"): 0.48, ("t", "2"): 0.39, ("t", "3"): 0.59,
    ("t", "4"): 1.19, ("m", "1"): 3.15,
}  # fmt: skip
"""Of NON-pCR, against the reference level."""
MODEL_VARIABLES = ("er", "her2", "t")
"""What the paper's clinical model knows."""
IMAGE_EFFECT = 2.4
"""Log odds of axillary pCR per standard deviation of the image factor: the simulation's own."""
CLINIC_EFFECT = 1.7
INTERCEPT = -0.716
"""So that 231 of 447 respond."""
_BREAST = {True: (0.597, 0.329), False: (0.153, 0.833)}
"""Shares of no residual and residual tumour in the breast given the axillary response (table 2); the rest: missing."""
_FOLLOW_UP = (25.6, 12.4)
"""Months: mean and spread of the time from surgery to the end of the study (DFS: median 23.4, IQR 15.9 to 32.5)."""
_HAZARD = 0.0068
"""Per month, N1, M0, without axillary pCR: 60 of 447 have an event (table 1)."""
_HAZARD_RATIOS: Mapping[tuple[str, str], float] = {("n", "2"): 1.4, ("n", "3"): 2.0, ("m", "1"): 3.0}
_PCR_HAZARD_RATIO = 0.3


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What happened, each (n,)."""

    probability: Numbers
    """True probability of axillary pCR."""
    axillary_pcr: NDArray[np.bool_]
    breast: Levels
    """``none``, ``yes`` (residual tumour), or empty: not known."""
    dfs_months: Numbers
    """From surgery to the event or the end of follow-up."""
    dfs_event: NDArray[np.bool_]


def clinical_logit(clinic: Clinic) -> Numbers:
    """Return what the clinic adds to the log odds of axillary pCR."""
    return -CLINIC_EFFECT * _summed(clinic, ODDS_RATIOS)


def model_logit(clinic: Clinic) -> Numbers:
    """Return the part of ``clinical_logit`` that ER, HER2 and T have."""
    known = {key: ratio for key, ratio in ODDS_RATIOS.items() if key[0] in MODEL_VARIABLES}
    return -CLINIC_EFFECT * _summed(clinic, known)


def probability(clinic: Clinic, image: Numbers) -> Numbers:
    """Return the true probability of axillary pCR."""
    return np.asarray(1.0 / (1.0 + np.exp(-(INTERCEPT + clinical_logit(clinic) + IMAGE_EFFECT * image))))


def draw_outcomes(rng: np.random.Generator, clinic: Clinic, image: Numbers) -> Outcomes:
    """Draw what happened to each patient."""
    chance = probability(clinic, image)
    response = rng.random(clinic.n) < chance
    months, event = _survival(rng, clinic, response)
    return Outcomes(chance, response, _breast(rng, response), months, event)


def _breast(rng: np.random.Generator, response: NDArray[np.bool_]) -> Levels:
    place = rng.random(len(response))
    none = np.where(response, _BREAST[True][0], _BREAST[False][0])
    some = none + np.where(response, _BREAST[True][1], _BREAST[False][1])
    return np.where(place < none, "none", np.where(place < some, "yes", ""))


def _survival(
    rng: np.random.Generator, clinic: Clinic, response: NDArray[np.bool_]
) -> tuple[Numbers, NDArray[np.bool_]]:
    hazard = _HAZARD * np.exp(_summed(clinic, _HAZARD_RATIOS)) * np.where(response, _PCR_HAZARD_RATIO, 1.0)
    end = np.clip(rng.normal(*_FOLLOW_UP, clinic.n), 4.0, 58.0)
    event = rng.exponential(1.0 / hazard)
    return np.maximum(np.round(np.minimum(event, end), 1), 0.1), event <= end


def _summed(clinic: Clinic, ratios: Mapping[tuple[str, str], float]) -> Numbers:
    total = np.zeros(clinic.n)
    for (name, level), ratio in ratios.items():
        total += math.log(ratio) * (clinic.factors[name] == level)
    return total
