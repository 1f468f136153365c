"""An upper bound on the p value of a maximally selected statistic, from exact conditional distributions.

P(some |S_i| > b) <= P(|S_1| > b) + sum over i of P(|S_i| > b and |S_{i-1}| <= b) (Hothorn & Lausen, Comput Stat Data
Anal 2003;43:121-137). The distribution of a sum of m of the n scores comes from the shift algorithm of Streitberg &
Roehmel, Stat Software Newsl 1986;12:10-17, for scores rounded to whole numbers.
"""

from __future__ import annotations

import numpy as np

from services.model_factory.handlers.statistics.arrays import Flags, Labels, Vector


def hothorn_lausen(scores: Vector, sizes: Labels) -> float:
    """Return the bound for scores in the order of the marker, candidates having ``sizes`` (rising) patients below."""
    whole = _rounded(scores)
    n, total = len(whole), int(whole.sum())
    mean = sizes / n * total
    spread = np.sqrt(sizes * (n - sizes) / (n**2 * (n - 1.0)) * (n * (whole**2).sum() - total**2))
    sums = np.cumsum(whole)[sizes - 1]
    b = float(np.abs((sums - mean) / spread).max())
    chance = _sums(whole)
    outside = np.abs((np.arange(total + 1)[None, :] - mean[:, None]) / spread[:, None]) >= b - 1e-9
    bound = 0.0
    for place, size in enumerate(sizes):
        bound += float(chance[size, outside[place]].sum())
        if place:
            gap = int(size - sizes[place - 1])
            bound -= _surely_still_outside(chance[sizes[place - 1]], outside[place - 1], outside[place], whole, gap)
    return min(1.0, bound)


def _rounded(scores: Vector) -> Labels:
    raised = scores - scores.min()
    whole: Labels = np.rint(raised * len(scores) / raised.max()).astype(np.intp)
    return whole


def _sums(whole: Labels) -> Vector:
    """Return P(sum = s) for every number of scores drawn: (n + 1, total + 1)."""
    n, total = len(whole), int(whole.sum())
    chance = np.zeros((n + 1, total + 1))
    chance[0, 0] = 1.0
    for k, score in enumerate(whole, start=1):
        drawn = np.arange(k + 1)[:, None] / k
        stay = chance[: k + 1] * (1 - drawn)
        stay[1:, score:] += chance[:k, : total + 1 - score] * drawn[1:]
        chance[: k + 1] = stay
    return chance


def _surely_still_outside(chance: Vector, was: Flags, stays: Flags, whole: Labels, gap: int) -> float:
    """Return the chance of sums outside before that are outside now whichever ``gap`` scores are added."""
    ranked = np.sort(whole)
    least, most = int(ranked[:gap].sum()), int(ranked[-gap:].sum())
    middle = int(np.flatnonzero(~stays)[0]), int(np.flatnonzero(~stays)[-1])
    at = np.arange(len(chance))
    kept = was & ((at + most < middle[0]) | (at + least > middle[1]))
    return float(chance[kept].sum())
