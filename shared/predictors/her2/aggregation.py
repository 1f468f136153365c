"""TL-PA: from the patches of a slide to its score (paper 003, Eq. 2-6). Repeatable, without a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.domain.slides import AreaReading, Rounding
from shared.pathology.patch_table import NON_TUMOUR, POSITIVE

LEAST_P = 0.33
"""Strictly above counts; .33 as printed, not one third."""
TOP_SHARE = (3, 10)
"""0.3 of Eq. 3-6, as a fraction: whole numbers of patches are counted exactly."""
LEAST_MEAN = 0.17
"""Eq. 6, beside the share above."""

Probabilities = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Readings:
    """How the ambiguous terms are read."""

    area: AreaReading = AreaReading.TUMOUR
    rounding: Rounding = Rounding.FLOOR


@dataclass(frozen=True, slots=True)
class Aggregate:
    """The terms of one slide."""

    tumour: int
    """Area_tumour, Eq. 2: patches whose most probable class is a tumour class."""
    counted: int
    """N[p > 0.33], Eq. 3."""
    terms: int
    """0.3 * Area_tumour of Eq. 5 as a whole number."""
    mean: float
    score: float

    @property
    def area_share(self) -> float:
        """Return Area_IHC of Eq. 3."""
        return self.counted / self.tumour


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """The patches that enter Eq. 3-5, the highest p of HER2+ first; made once, aggregated as often as needed."""

    tumour: NDArray[np.bool_]
    """(n,): of every patch, in the table's order."""
    order: NDArray[np.int64]
    """(m,): places in the table of those that count, highest p first; equal ones in the table's order."""
    above: NDArray[np.float64]
    """(m,): p - 0.33 of each."""


def ranked(probabilities: Probabilities, reading: AreaReading) -> Ranked:
    """Return the patches in the order of Eq. 4.

    Args:
        probabilities: (n, 3), ``shared.pathology.patch_table``.
        reading: Whether only tumour patches count; Eq. 3 and Eq. 4 count the same ones.
    """
    tumour = probabilities.argmax(axis=1) != NON_TUMOUR
    p = probabilities[:, POSITIVE]
    counts = p > p.dtype.type(LEAST_P)
    if reading is AreaReading.TUMOUR:
        counts &= tumour
    places = np.flatnonzero(counts)
    order = places[np.argsort(-p[places], kind="stable")]
    return Ranked(tumour, order, p[order].astype(np.float64) - LEAST_P)


def aggregate(probabilities: Probabilities, readings: Readings) -> Aggregate | None:
    """Return the score with its terms; None where no patch is tumour: then there is no score, least of all 0."""
    found = ranked(probabilities, readings.area)
    tumour = int(found.tumour.sum())
    if tumour == 0:
        return None
    terms = int(term_counts(np.asarray([tumour]), readings.rounding)[0])
    mean = float(found.above[:terms].sum() / terms)
    zero = is_zero(np.asarray([len(found.order)]), np.asarray([tumour]), np.asarray([mean]))[0]
    return Aggregate(tumour, len(found.order), terms, mean, 0.0 if zero else mean)


def term_counts(tumour: NDArray[np.int64], rounding: Rounding) -> NDArray[np.int64]:
    """Return 0.3 * Area_tumour as whole numbers, at least 1."""
    share, whole = TOP_SHARE
    product = share * tumour
    rounded = {
        Rounding.FLOOR: product // whole,
        Rounding.CEIL: -(-product // whole),
        Rounding.ROUND: (2 * product + whole) // (2 * whole),
    }[rounding]
    return np.maximum(rounded, 1)


def is_zero(counted: NDArray[np.int64], tumour: NDArray[np.int64], mean: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell where Eq. 6 sets the score to 0: Area_IHC at most .3 and Mean at most .17."""
    share, whole = TOP_SHARE
    return (whole * counted <= share * tumour) & (mean <= LEAST_MEAN)


def calibrated(scores: NDArray[np.float64], shift: float) -> NDArray[np.float64]:
    """Return the scores with a scanner's shift; none falls below 0, and what Eq. 6 set to 0 stays there."""
    return np.where(scores > 0.0, np.maximum(scores + shift, 0.0), 0.0)
