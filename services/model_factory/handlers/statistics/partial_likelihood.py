"""Cox's partial likelihood with Efron's or Breslow's ties: value, residuals, information.

With ``w = exp(eta)``, ``R_t`` the sum of ``w`` at risk at ``t`` and ``D_t`` the sum over the ``d`` events at ``t``,
each event is one term with the denominator ``S_k = R_t - f_k D_t``; Breslow: ``f_k = 0``, Efron: ``f_k = l / d`` for
l = 0 .. d-1 (Efron, JASA 1977;72:557-565; Therneau & Grambsch, Modeling Survival Data, 2000, section 3.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from services.model_factory.handlers.statistics.arrays import Flags, Labels, Vector

Ties = Literal["efron", "breslow"]


@dataclass(frozen=True, slots=True)
class Terms:
    """The partial likelihood of one cohort, its rows sorted by falling time."""

    order: Labels
    """Sorts the cohort's rows."""
    event: Flags
    """Sorted."""
    last: Labels
    """Per term: the last sorted row still at risk."""
    tied: Labels
    """Per term: its place in ``tied_rows``' groups."""
    share: Vector
    """Per term: ``f_k``."""
    group: Labels
    """Per sorted row: how many distinct event times are later than its time; its own comes next."""

    def value(self, eta: Vector) -> float:
        """Return the log partial likelihood; ``eta`` is in the cohort's order."""
        linear, weight = self._sorted(eta)
        return float(linear[self.event].sum() - np.log(self._denominators(weight)).sum())

    def residual(self, eta: Vector) -> Vector:
        """Return event minus expected events per row (martingale residuals): the gradient with respect to ``eta``."""
        _, weight = self._sorted(eta)
        expected = weight * self._hazard(self._denominators(weight))
        out = np.empty_like(weight)
        out[self.order] = self.event - expected
        return out

    def information(self, eta: Vector, x: Vector) -> Vector:
        """Return the observed information (columns, columns) of the coefficients of ``x``."""
        _, weight = self._sorted(eta)
        rows = x[self.order]
        below = self._denominators(weight)
        means = self._sums(rows * weight[:, None]) / below[:, None]
        spread = rows * (weight * self._hazard(below))[:, None]
        information: Vector = rows.T @ spread - means.T @ means
        return information

    def baseline(self, eta: Vector, time: Vector, event: Flags) -> tuple[Vector, Vector]:
        """Return the distinct event times, rising, and the cumulative hazard at them of a row whose ``eta`` is 0."""
        _, weight = self._sorted(eta)
        steps = np.bincount(self.tied, 1.0 / self._denominators(weight))[::-1]
        return np.unique(time[event]), np.cumsum(steps) * np.exp(-float(eta.max()))

    def _sorted(self, eta: Vector) -> tuple[Vector, Vector]:
        # Shifting all rows alike changes nothing and keeps exp() finite.
        linear = eta[self.order] - eta.max()
        return linear, np.exp(linear)

    def _denominators(self, weight: Vector) -> Vector:
        return self._sums(weight)

    def _sums(self, weighted: Vector) -> Vector:
        """Per term: the sum over the rows at risk less the share of the tied events."""
        risk = np.cumsum(weighted, axis=0)[self.last]
        if not self.share.any():
            return risk
        events = np.flatnonzero(self.event)
        starts = np.flatnonzero(np.r_[True, self.tied[1:] != self.tied[:-1]])
        ties = np.add.reduceat(weighted[events], starts, axis=0)[self.tied]
        return risk - (self.share if weighted.ndim == 1 else self.share[:, None]) * ties

    def _hazard(self, below: Vector) -> Vector:
        """Per sorted row: the sum over its terms of 1 / S_k, an event's own terms reduced by their share."""
        groups = int(self.tied[-1]) + 1
        steps = np.bincount(self.tied, 1.0 / below, groups)
        own = np.bincount(self.tied, self.share / below, groups)
        # From the earliest event (the last group) to the row's own time.
        ahead = np.r_[np.cumsum(steps[::-1])[::-1], 0.0]
        total: Vector = ahead[self.group]
        total[self.event] -= own[self.group[self.event]]
        return total


def partial_likelihood(time: Vector, event: Flags, ties: Ties = "efron") -> Terms:
    """Prepare the partial likelihood of a cohort.

    Raises:
        ValueError: If nobody had the event.
    """
    if not event.any():
        raise ValueError("a partial likelihood needs at least one event")
    order = np.argsort(-time, kind="stable")
    falling, happened = time[order], event[order]
    moments, tied, counts = np.unique(-falling[happened], return_inverse=True, return_counts=True)
    last = np.searchsorted(-falling, moments, side="right") - 1
    within = np.arange(len(tied)) - np.repeat(np.cumsum(counts) - counts, counts)
    share = within / counts[tied] if ties == "efron" else np.zeros(len(tied))
    group = np.searchsorted(moments, -falling, side="left")
    return Terms(order, happened, last[tied], tied, share, group)
