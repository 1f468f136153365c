"""The best cut of a marker, with a p value that knows it was searched for.

Maximally selected log-rank statistics: Lausen & Schumacher, Biometrics 1992;48:73-85; Hothorn & Lausen, Comput Stat
Data Anal 2003;43:121-137. Low means at most the cut.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from services.model_factory.handlers.statistics.arrays import Flags, Labels, Vector
from services.model_factory.handlers.statistics.bootstrap import REPEATS, replicates, resamples
from services.model_factory.handlers.statistics.discrimination import proportion
from services.model_factory.handlers.statistics.estimates import Estimate
from services.model_factory.handlers.statistics.permutation_bound import hothorn_lausen

_NORMAL = NormalDist()
PERMUTATIONS = 9999
_CHUNK = 4_000_000
"""Scores shuffled at once."""
_EQUAL = 1e-9
"""Two statistics closer than this are the same one, added up in another order."""
_SMALL = 100
"""Largest cohort for the exact bound: its tables grow with the cube."""


@dataclass(frozen=True, slots=True)
class BestCut:
    """The cut with the largest standardised log-rank statistic, and what it is worth."""

    cut: Estimate
    """Its interval: percentiles of the cut over resampled patients."""
    statistic: float
    """M, the largest of ``curve``."""
    high_is_worse: bool
    """True where patients above the cut have more events than expected."""
    p: Estimate
    """Over random assignments of the outcomes to the patients; the interval is the Monte Carlo error."""
    p_improved_bonferroni: float
    """Lausen, Sauerbrei & Schumacher 1994, asymptotic."""
    p_bound: float | None
    """Hothorn & Lausen 2003: an upper bound from exact distributions; for small cohorts only."""
    cuts: Vector
    curve: Vector
    """The statistic at each of ``cuts``."""


@dataclass(frozen=True, slots=True)
class _Search:
    """Scores sorted by marker, and the group sizes that are candidates."""

    scores: Vector
    sizes: Labels
    cuts: Vector

    def standardised(self, scores: Vector) -> Vector:
        """Return the signed statistic of every cut; ``scores`` may have leading dimensions."""
        n = len(self.scores)
        total, squares = self.scores.sum(), (self.scores**2).sum()
        variance = self.sizes * (n - self.sizes) / (n**2 * (n - 1.0)) * (n * squares - total**2)
        sums = np.cumsum(scores, axis=-1)[..., self.sizes - 1]
        statistic: Vector = (sums - self.sizes / n * total) / np.sqrt(variance)
        return statistic


def log_rank_scores(time: Vector, event: Flags) -> Vector:
    """Return event less the sum, over events up to the row's time, of 1 / (those with a later time, plus one).

    Hothorn & Lausen 2003, section 2; tied times share the largest rank.
    """
    rank = np.searchsorted(np.sort(time), time, side="right")
    steps: Vector = np.bincount(rank, event / (len(time) - rank + 1.0), len(time) + 1).astype(np.float64)
    scores: Vector = event - np.cumsum(steps)[rank]
    return scores


def best_cut(
    marker: Vector,
    time: Vector,
    event: Flags,
    rng: np.random.Generator,
    *,
    minprop: float = 0.1,
    permutations: int = PERMUTATIONS,
    repeats: int = REPEATS,
) -> BestCut:
    """Search the cut of ``marker``; ``minprop`` of the patients stay on either side.

    Raises:
        ValueError: If nobody had the event, or the marker leaves no candidate cut.
    """
    search = _search(marker, time, event, minprop)
    signed = search.standardised(search.scores)
    curve = np.abs(signed)
    at = int(np.argmax(curve))
    draws = resamples(np.arange(len(marker)), repeats, rng)
    sampled = replicates(lambda rows: _cut(marker[rows], time[rows], event[rows], minprop), draws)
    return BestCut(
        _with_interval(float(search.cuts[at]), sampled),
        float(curve[at]),
        bool(signed[at] < 0),
        _permuted(search, float(curve[at]), permutations, rng),
        _improved_bonferroni(float(curve[at]), len(marker), search.sizes),
        hothorn_lausen(search.scores, search.sizes) if len(marker) <= _SMALL else None,
        search.cuts,
        curve,
    )


def _search(marker: Vector, time: Vector, event: Flags, minprop: float) -> _Search:
    if not event.any():
        raise ValueError("a cut needs at least one event")
    n, order = len(marker), np.argsort(marker, kind="stable")
    ranked = marker[order]
    sizes: Labels = np.flatnonzero(ranked[1:] != ranked[:-1]) + 1
    sizes = sizes[(sizes >= max(1, math.floor(n * minprop))) & (sizes <= math.floor(n * (1 - minprop)))]
    scores = log_rank_scores(time, event)[order]
    if not len(sizes) or math.isclose(float(np.ptp(scores)), 0.0):
        raise ValueError("the marker leaves no candidate cut")
    return _Search(scores, sizes, ranked[sizes - 1])


def _cut(marker: Vector, time: Vector, event: Flags, minprop: float) -> Vector:
    search = _search(marker, time, event, minprop)
    return search.cuts[[int(np.argmax(np.abs(search.standardised(search.scores))))]]


def _with_interval(cut: float, sampled: Vector) -> Estimate:
    kept = sampled[np.isfinite(sampled)]
    low, high = np.quantile(kept, [0.025, 0.975]) if len(kept) else (math.nan, math.nan)
    return Estimate(cut, (float(low), float(high)), f"bootstrap of patients, percentiles, {len(kept)} resamples, 95 %")


def _permuted(search: _Search, found: float, permutations: int, rng: np.random.Generator) -> Estimate:
    """Return (1 + as large or larger) / (1 + permutations) (Phipson & Smyth, Stat Appl Genet Mol Biol 2010;9:39)."""
    as_large, per_chunk = 0, max(1, _CHUNK // len(search.scores))
    for start in range(0, permutations, per_chunk):
        count = min(per_chunk, permutations - start)
        shuffled = rng.permuted(np.tile(search.scores, (count, 1)), axis=1)
        as_large += int((np.abs(search.standardised(shuffled)).max(axis=1) >= found - _EQUAL).sum())
    error = proportion(as_large, permutations).interval
    return Estimate((1 + as_large) / (1 + permutations), error, f"{permutations} permutations, Monte Carlo error, 95 %")


def _improved_bonferroni(b: float, n: int, sizes: Labels) -> float:
    """Lausen, Sauerbrei & Schumacher, in: Computational Statistics, 1994:483-496 (Worsley's inequality)."""
    tail = 2 * (1 - _NORMAL.cdf(b))
    before, after = sizes[:-1].astype(np.float64), sizes[1:].astype(np.float64)
    t = np.sqrt(1 - before * (n - after) / ((n - before) * after))
    steps = math.exp(-(b**2) / 2) / math.pi * (t - (b**2 / 4 - 1) * t**3 / 6)
    return float(min(1.0, tail + steps.sum()))
