"""AUC with DeLong's interval, from midranks (Sun & Xu, IEEE Signal Process Lett 2014;21:1389-1393)."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.statistics.estimates import Estimate

_Z = NormalDist().inv_cdf(0.975)
DELONG = "DeLong (midranks of Sun & Xu), normal, 95 %"
WILSON = "Wilson score, 95 %"


def auc(event: NDArray[np.bool_], probability: NDArray[np.float64]) -> Estimate:
    """Return P(an event scores above a non-event), ties half, with its 95 % interval.

    Raises:
        ValueError: If there are not at least two events and two non-events.
    """
    by_positive, by_negative = placements(event, probability)
    value = float(by_positive.mean())
    variance = by_positive.var(ddof=1) / len(by_positive) + by_negative.var(ddof=1) / len(by_negative)
    half = _Z * math.sqrt(float(variance))
    return Estimate(value, (max(0.0, value - half), min(1.0, value + half)), DELONG)


def placements(event: NDArray[np.bool_], score: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return, per event, the share of non-events below it, and per non-event the share of events above it.

    Raises:
        ValueError: If there are not at least two events and two non-events.
    """
    positives, negatives = score[event], score[~event]
    m, n = len(positives), len(negatives)
    if min(m, n) < 2:
        raise ValueError("an AUC needs at least two events and two non-events")
    ranks = midranks(np.concatenate([positives, negatives]))
    by_positive: NDArray[np.float64] = (ranks[:m] - midranks(positives)) / n
    by_negative: NDArray[np.float64] = 1.0 - (ranks[m:] - midranks(negatives)) / m
    return by_positive, by_negative


def midranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ranks from 1, equal values sharing the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    shared: NDArray[np.float64] = (last - (counts - 1) / 2.0)[inverse]
    return shared


def proportion(count: int, n: int) -> Estimate:
    """Return ``count / n`` with Wilson's interval.

    Raises:
        ValueError: If ``n`` is 0.
    """
    if n == 0:
        raise ValueError("a proportion of nobody")
    share, weight = count / n, _Z**2 / n
    middle = (share + weight / 2) / (1 + weight)
    half = _Z * math.sqrt(share * (1 - share) / n + weight / (4 * n)) / (1 + weight)
    return Estimate(share, (max(0.0, middle - half), min(1.0, middle + half)), WILSON)
