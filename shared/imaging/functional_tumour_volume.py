"""Functional tumour volume: which voxels take up contrast agent the way a tumour does.

The definition is that of the I-SPY trials: Hylton et al., Radiology 2012;263(3):663-672 (doi:10.1148/radiol.12110748),
and 2016;279(1):44-55 (doi:10.1148/radiol.2015150013). From the signals before contrast (S0), early (S1) and late (S2):
percent enhancement PE = 100 (S1 - S0) / S0; signal enhancement ratio SER = (S1 - S0) / (S2 - S0).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.imaging.volume import Bits, Mask, Volume

Signal = NDArray[np.float64]

BACKGROUND_FRACTION = 0.60
"""Of the 95th percentile of S0: less is background (air, suppressed fat), where a ratio means nothing."""
BACKGROUND_PERCENTILE = 95.0
LEAST_ENHANCEMENT_PERCENT = 70.0
LEAST_RATIO = 0.0
LEAST_NEIGHBOURS = 4
"""Of the 26 around a voxel: fewer, and it is noise."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The four numbers of the definition; the defaults are those published."""

    background_fraction: float = BACKGROUND_FRACTION
    enhancement_percent: float = LEAST_ENHANCEMENT_PERCENT
    ratio: float = LEAST_RATIO
    neighbours: int = LEAST_NEIGHBOURS
    """0: no filter."""

    def in_words(self, *, with_late: bool) -> str:
        """Return how the volume is made, for a report."""
        late = (
            f", signal enhancement ratio >= {self.ratio:g}" if with_late else " (no late phase: no enhancement ratio)"
        )
        background = f"background below {self.background_fraction:.0%} of the 95th percentile before contrast"
        filtered = f", at least {self.neighbours} of 26 neighbours" if self.neighbours else ""
        return f"percent enhancement >= {self.enhancement_percent:g} %{late}, {background}{filtered}"


PUBLISHED = Thresholds()
WITHOUT_FAT_SUPPRESSION = Thresholds(background_fraction=0.2)
"""A departure: the trials suppress fat. Where it is bright, a tumour (long T1) has a third of its signal, air none."""


def functional_tumour(
    pre: Volume, early: Volume, late: Volume | None = None, *, limits: Mask | None = None, by: Thresholds = PUBLISHED
) -> Mask:
    """Return the enhancing voxels on the grid of ``early``; all phases lie on that grid.

    ``limits`` is the volume of interest: the percentile is taken in it and nothing outside it counts. Without it that
    is the whole field.
    """
    chosen = np.empty(early.grid.shape, dtype=np.bool_)
    background = _background(pre, limits, by.background_fraction)
    for index in range(early.grid.shape[0]):  # slice by slice: a study of 2,000 slices needs no second copy
        chosen[index] = _enhancing(index, pre, early, late, background, by)
    if limits is not None:
        chosen &= limits.bits
    return Mask(_neighbourly(chosen, by.neighbours) if by.neighbours else chosen, early.grid)


def enhancement_ratio(s0: Signal, s1: Signal, s2: Signal) -> Signal:
    """Return SER of every voxel; infinite where the late phase is back at S0, NaN where nothing was taken up either."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: Signal = (s1 - s0) / (s2 - s0)
    return ratio


def _background(pre: Volume, limits: Mask | None, fraction: float) -> float:
    inside = pre.voxels if limits is None else pre.voxels[limits.bits]
    return fraction * float(np.percentile(inside, BACKGROUND_PERCENTILE)) if inside.size else 0.0


def _enhancing(index: int, pre: Volume, early: Volume, late: Volume | None, background: float, by: Thresholds) -> Bits:
    s0, s1 = (one.voxels[index].astype(np.float64) for one in (pre, early))
    chosen: Bits = (s0 > 0) & (s0 >= background) & (100 * (s1 - s0) >= by.enhancement_percent * s0)
    if late is not None:
        chosen &= enhancement_ratio(s0, s1, late.voxels[index].astype(np.float64)) >= by.ratio
    return chosen


def _neighbourly(chosen: Bits, least: int) -> Bits:
    """Return the voxels with at least ``least`` chosen ones among their 26 neighbours."""
    around = chosen.astype(np.uint8)  # at most 27: the sum over a cube is three sums along a line
    for axis in range(3):
        line = np.moveaxis(around, axis, 0)
        total = line.copy(order="K")
        total[1:] += line[:-1]
        total[:-1] += line[1:]
        around = np.moveaxis(total, 0, axis)
    kept: Bits = chosen & (around > least)
    return kept
