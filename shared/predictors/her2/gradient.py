"""From the core of the tumour to what surrounds it: mean probability by distance from the edge, and its slope.

The abstract of paper 003 names such a gradient and gives no formula; this one is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.domain.slide_answers import GradientPoint
from shared.pathology.patch_table import NON_TUMOUR, POSITIVE, PatchTable

FARTHEST_UM = 3000.0
STEP_UM = 200.0
"""Width of a step of the curve, or of one patch where that is wider."""
LEAST_PATCHES = 30
"""Of tumour, for a slope."""
LEAST_DEPTH = 3
"""Steps inwards, for a slope."""
_NEIGHBOURS = np.ones((3, 3), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Gradient:
    """The curve, and the slope inside the tumour."""

    points: tuple[GradientPoint, ...] = ()
    slope: float | None = None
    """Of the probability per millimetre inwards."""


def gradient(table: PatchTable) -> Gradient:
    """Return the gradient; no points where tissue without tumour, or tumour, is missing.

    The edge lies between tumour and other tissue; glass is no edge: there the tissue was cut. A patch belongs to the
    tumour where at least half of the tissue of its 3x3 neighbourhood is judged tumour, so that a single patch makes no
    edge of its own.
    """
    tissue, tumour = _regions(table)
    if not tumour.any() or not (tissue & ~tumour).any():
        return Gradient()
    at = _distances(tissue, tumour)[_places(table)] * table.grid.side_um
    p = table.probabilities[:, POSITIVE].astype(np.float64)
    near = np.abs(at) <= FARTHEST_UM
    points = _curve(at[near], p[near], max(STEP_UM, table.grid.side_um))
    return Gradient(points, _slope(at[near], p[near], points))


def _regions(table: PatchTable) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    from scipy.ndimage import convolve  # only who aggregates slides loads it

    tissue = np.zeros((table.grid.rows, table.grid.columns), dtype=np.bool_)
    judged = tissue.copy()
    where = _places(table)
    tissue[where] = True
    judged[where] = table.probabilities.argmax(axis=1) != NON_TUMOUR
    around = convolve(tissue.astype(np.int64), _NEIGHBOURS, mode="constant")
    positive = convolve(judged.astype(np.int64), _NEIGHBOURS, mode="constant")
    return tissue, tissue & (2 * positive >= around)


def _distances(tissue: NDArray[np.bool_], tumour: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return patches from the edge: positive inside the tumour, negative outside."""
    from scipy.ndimage import distance_transform_edt

    inwards: NDArray[np.float64] = distance_transform_edt(~(tissue & ~tumour)) - 0.5
    outwards: NDArray[np.float64] = distance_transform_edt(~tumour) - 0.5
    return np.where(tumour, inwards, -outwards)


def _places(table: PatchTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    index = table.index.astype(np.int64)
    return index // table.grid.columns, index % table.grid.columns


def _curve(at: NDArray[np.float64], p: NDArray[np.float64], step: float) -> tuple[GradientPoint, ...]:
    places = np.floor(at / step).astype(np.int64)
    numbers, back = np.unique(places, return_inverse=True)
    counts, sums = np.bincount(back), np.bincount(back, weights=p)
    return tuple(
        GradientPoint(float((number + 0.5) * step), float(total / n), int(n))
        for number, total, n in zip(numbers, sums, counts, strict=True)
    )


def _slope(at: NDArray[np.float64], p: NDArray[np.float64], points: tuple[GradientPoint, ...]) -> float | None:
    """Return the least squares slope of the patches inside the tumour; None where it is too small."""
    deep = sum(one.distance_um > 0 for one in points)
    here = at > 0
    if here.sum() < LEAST_PATCHES or deep < LEAST_DEPTH:
        return None
    x = at[here] / 1000.0
    return float(np.cov(x, p[here], bias=True)[0, 1] / x.var())
