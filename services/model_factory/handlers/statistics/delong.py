"""Two AUCs on the same patients, and whether they differ.

DeLong, DeLong & Clarke-Pearson, Biometrics 1988;44:837-845, by the placements of Sun & Xu (``discrimination``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from services.model_factory.handlers.statistics.arrays import Flags, Vector
from services.model_factory.handlers.statistics.discrimination import placements
from services.model_factory.handlers.statistics.estimates import Estimate

_Z = NormalDist().inv_cdf(0.975)
METHOD = "DeLong for correlated AUCs, normal, 95 %"


@dataclass(frozen=True, slots=True)
class AucDifference:
    """What the second score has over the first."""

    first: float
    second: float
    difference: Estimate
    """Second less first."""
    z: float
    p: float
    """Two-sided; 1 where both rank all patients alike."""


def compare_aucs(event: Flags, first: Vector, second: Vector) -> AucDifference:
    """Compare two scores of the same patients.

    Raises:
        ValueError: If there are not at least two events and two non-events.
    """
    covariance, (one, other) = auc_covariance(event, [first, second])
    variance = covariance[0, 0] + covariance[1, 1] - 2.0 * covariance[0, 1]
    error, difference = math.sqrt(max(0.0, float(variance))), other - one
    # Rounding leaves a variance of the order of 1e-18 where both scores rank alike.
    z = difference / error if error > 1e-9 else 0.0
    half = _Z * error
    estimate = Estimate(difference, (max(-1.0, difference - half), min(1.0, difference + half)), METHOD)
    return AucDifference(one, other, estimate, z, math.erfc(abs(z) / math.sqrt(2.0)))


def auc_covariance(event: Flags, scores: list[Vector]) -> tuple[Vector, tuple[float, ...]]:
    """Return the covariance of the scores' AUCs, and the AUCs.

    Raises:
        ValueError: If there are not at least two events and two non-events.
    """
    pairs = [placements(event, score) for score in scores]
    by_positive, by_negative = np.stack([one for one, _ in pairs]), np.stack([other for _, other in pairs])
    covariance = np.cov(by_positive) / by_positive.shape[1] + np.cov(by_negative) / by_negative.shape[1]
    return np.atleast_2d(covariance), tuple(float(value) for value in by_positive.mean(axis=1))
