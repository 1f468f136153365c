"""How far the score would move had other parts of the same tumour been on the glass: a spatial block bootstrap.

Neighbouring patches look alike: drawn one by one they would pretend to know more than they do. Blocks of about a
millimetre are drawn instead, with replacement (Lahiri, Resampling Methods for Dependent Data, 2003, chapter 12).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.domain.slide_answers import LevelShare
from shared.pathology.patch_table import PatchTable
from shared.predictors.her2.aggregation import Ranked, Readings, calibrated, is_zero, ranked, term_counts
from shared.predictors.her2.scale import LEVELS, level_numbers

RESAMPLES = 1000
BLOCK_UM = 1000.0
ENOUGH_BLOCKS = 20
"""Blocks are made smaller until so many hold something that counts."""
LEAST_BLOCKS = 5
"""With fewer there is nothing to draw from, and no interval."""
_AT_ONCE = 2_000_000
"""Weights held at a time: resamples x patches."""


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """What the bootstrap found."""

    interval: tuple[float, float]
    """2.5 % and 97.5 % of the scores."""
    shares: tuple[LevelShare, ...]
    """Every level, in the order of ``SlideLevel``."""
    blocks: int
    block_um: float


def spread(table: PatchTable, readings: Readings, shift: float) -> Spread | None:
    """Return interval and level shares; None where the tumour lies in too few places to draw from.

    The same table, readings and shift give the same numbers: the seed is made from them.
    """
    found = ranked(table.probabilities, readings.area)
    counts = found.tumour.copy()
    counts[found.order] = True
    side = _block_side(table, counts)
    blocks = _blocks(table, counts, side)
    n = int(blocks.max(initial=-1)) + 1
    if n < LEAST_BLOCKS:
        return None
    drawn = _drawn(n, _seed(table, readings))
    raw = _scores(found, blocks, drawn, readings)
    scores = calibrated(raw[np.isfinite(raw)], shift)
    if not scores.size:
        return None
    low, high = np.quantile(scores, (0.025, 0.975))
    shares = np.bincount(level_numbers(scores), minlength=len(LEVELS)) / scores.size
    rows = tuple(LevelShare(level, float(share)) for level, share in zip(LEVELS, shares, strict=True))
    return Spread((float(low), float(high)), rows, n, side * table.grid.side_um)


def _block_side(table: PatchTable, counts: NDArray[np.bool_]) -> int:
    """Return the side of a block in patches."""
    side = max(1, round(BLOCK_UM / table.grid.side_um))
    while side > 1 and _blocks(table, counts, side).max(initial=-1) + 1 < ENOUGH_BLOCKS:
        side //= 2
    return side


def _blocks(table: PatchTable, counts: NDArray[np.bool_], side: int) -> NDArray[np.int64]:
    """Return (n,): the block of each patch that counts, numbered from 0; -1 of the others."""
    index = table.index[counts].astype(np.int64)
    columns = table.grid.columns
    place = (index // columns // side) * columns + index % columns // side
    blocks = np.full(len(table), -1, dtype=np.int64)
    blocks[counts] = np.unique(place, return_inverse=True)[1]
    return blocks


def _drawn(n: int, seed: int) -> NDArray[np.int64]:
    """Return (RESAMPLES, n): how often each block was drawn."""
    # The stream of a bit generator is the same in every NumPy (NEP 19); that of a Generator's methods is not.
    picks = (np.random.PCG64(seed).random_raw(RESAMPLES * n) % n).astype(np.int64)
    rows = np.repeat(np.arange(RESAMPLES), n)
    return np.bincount(rows * n + picks, minlength=RESAMPLES * n).reshape(RESAMPLES, n)


def _scores(
    found: Ranked, blocks: NDArray[np.int64], drawn: NDArray[np.int64], readings: Readings
) -> NDArray[np.float64]:
    """Return the score of each resample; NaN where it drew no tumour."""
    per_block = np.bincount(blocks[found.tumour], minlength=drawn.shape[1])
    tumour = drawn @ per_block
    step = max(1, _AT_ONCE // max(1, len(found.order)))
    chunks = range(0, len(drawn), step)
    ranks = blocks[found.order]
    parts = [_chunk(found, drawn[i : i + step][:, ranks], tumour[i : i + step], readings) for i in chunks]
    return np.concatenate(parts)


def _chunk(
    found: Ranked, weights: NDArray[np.int64], tumour: NDArray[np.int64], readings: Readings
) -> NDArray[np.float64]:
    """Aggregate resamples; ``weights`` (resamples, m): how often each ranked patch was drawn."""
    terms = term_counts(tumour, readings.rounding)[:, None]
    upto = np.minimum(np.cumsum(weights, axis=1), terms)
    taken = np.diff(upto, axis=1, prepend=0)
    mean = (taken @ found.above) / terms[:, 0]
    scores = np.where(is_zero(weights.sum(axis=1), tumour, mean), 0.0, mean)
    scores[tumour == 0] = np.nan
    return scores


def _seed(table: PatchTable, readings: Readings) -> int:
    made = hashlib.sha256(f"{readings.area}|{readings.rounding}|{table.grid.side_px}".encode())
    made.update(np.ascontiguousarray(table.index, dtype="<i4").tobytes())
    made.update(np.ascontiguousarray(table.probabilities, dtype="<f4").tobytes())
    return int.from_bytes(made.digest()[:16], "big")
