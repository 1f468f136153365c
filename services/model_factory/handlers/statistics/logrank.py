"""The log-rank test of k groups (Mantel, Cancer Chemother Rep 1966;50:163-170; Peto & Peto 1972)."""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2

from services.model_factory.handlers.statistics.arrays import Flags, Labels, Vector
from services.model_factory.handlers.statistics.estimates import Significance


def logrank(time: Vector, event: Flags, group: Labels) -> Significance:
    """Test whether the hazards of the groups are one; the variance is the hypergeometric one.

    Raises:
        ValueError: If there are fewer than two groups, or nobody had the event.
    """
    labels, member = np.unique(group, return_inverse=True)
    if len(labels) < 2 or not event.any():
        raise ValueError("a log-rank test needs two groups and an event")
    moments = np.unique(time[event])
    inside = np.eye(len(labels))[member]
    at_risk = _still_there(time, moments, inside)
    deaths = np.zeros((len(moments), len(labels)))
    np.add.at(deaths, np.searchsorted(moments, time[event]), inside[event])
    n, d = at_risk.sum(axis=1), deaths.sum(axis=1)
    share = at_risk / n[:, None]
    surplus = (deaths - d[:, None] * share).sum(axis=0)
    weight = np.where(n > 1, d * (n - d) / np.maximum(n - 1, 1), 0.0)
    covariance = np.diag(weight @ share) - share.T @ (share * weight[:, None])
    kept = slice(0, len(labels) - 1)
    statistic = float(surplus[kept] @ np.linalg.pinv(covariance[kept, kept]) @ surplus[kept])
    df = len(labels) - 1
    return Significance("log-rank", statistic, df, float(chi2.sf(statistic, df)))


def _still_there(time: Vector, moments: Vector, inside: Vector) -> Vector:
    """Return how many of each group are at risk at each moment."""
    order = np.argsort(time, kind="stable")
    gone = np.searchsorted(time[order], moments, side="left")
    left: Vector = inside.sum(axis=0) - np.vstack([np.zeros(inside.shape[1]), np.cumsum(inside[order], axis=0)])[gone]
    return left
