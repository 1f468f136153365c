"""Closed planar contours as voxels: a voxel belongs where its centre lies inside an odd number of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.domain.errors import InvalidInputError
from shared.imaging.placing import EXACT_VOXELS, Placed
from shared.imaging.volume import Bits, Grid, Mask

Contour = NDArray[np.float64]
"""(n, 3): the corners, in order, in LPS millimetres."""
_FLAT_VOXELS = 0.25
"""A contour lies in a plane of the grid when its corners differ by less than this along the third axis."""
_DIGITS = 6


def fill_contours(contours: Sequence[Contour], grid: Grid) -> Placed:
    """Return what the contours enclose; a contour inside another is a hole (even-odd, PS3.3 C.8.8.6.3 note).

    Each contour counts for the slice it lies on. Where contours lie between slices, or farther apart than slices, a
    slice takes those nearest to it.

    Raises:
        InvalidInputError: If they do not lie in planes of the grid.
    """
    corners = [grid.index(contour) for contour in contours if len(contour) >= 3]
    if not corners:
        return Placed(Mask(np.zeros(grid.shape, dtype=np.bool_), grid), 0, 0.0, exact=True)
    axis = _axis(corners)
    levels = np.array([float(corner[:, axis].mean()) for corner in corners])
    step, exact = _step(levels)
    bits = np.zeros(grid.shape, dtype=np.bool_)
    slices = np.moveaxis(bits, axis, 0)
    for index in range(slices.shape[0]):
        nearest = levels[np.abs(levels - index).argmin()]
        if abs(nearest - index) <= (EXACT_VOXELS if exact else step / 2 + 1e-6):
            there = [np.delete(corners[n], axis, axis=1) for n in np.flatnonzero(np.abs(levels - nearest) < 1e-3)]
            slices[index] = _even_odd(there, slices.shape[1:])
    return Placed(Mask(bits, grid), int(bits.sum()), _outside(corners, grid.shape), exact=exact)


def _axis(corners: Sequence[Contour]) -> int:
    """Return the axis of the grid across which every contour is flat."""
    spread = np.array([np.ptp(corner, axis=0) for corner in corners]).max(axis=0)
    if spread.min() > _FLAT_VOXELS:
        raise InvalidInputError("contours", "they do not lie in the planes of the images")
    return int(spread.argmin())


def _step(levels: NDArray[np.float64]) -> tuple[float, bool]:
    """Return the distance of planes in slices, and whether each plane is a slice and none is passed over."""
    unique = np.unique(levels.round(3))
    gaps = np.diff(unique)
    step = float(np.median(gaps)) if gaps.size else 1.0
    on_slices = bool(np.abs(unique - np.rint(unique)).max() <= EXACT_VOXELS)
    return max(step, 1.0), on_slices and step < 1.5


def _even_odd(polygons: Sequence[NDArray[np.float64]], shape: tuple[int, ...]) -> Bits:
    """Return which centres of (rows, columns) lie inside an odd number of polygons of (row, column) corners."""
    crossings = np.zeros((shape[0], shape[1] + 1), dtype=np.bool_)
    for polygon in polygons:
        _cross(polygon, crossings)
    # A centre is inside when an odd number of edges crosses its row beyond it.
    beyond = np.logical_xor.accumulate(crossings[:, ::-1], axis=1)[:, ::-1]
    inside: Bits = beyond[:, 1:]
    return inside


def _cross(polygon: NDArray[np.float64], crossings: Bits) -> None:
    """Flip, for each row that an edge crosses, the first column whose centre is not before the crossing."""
    start = polygon.round(_DIGITS)  # outlines through voxel centres are common: a tie must not hang on the last bit
    end = np.roll(start, -1, axis=0)
    low = np.ceil(np.minimum(start[:, 0], end[:, 0])).clip(0, crossings.shape[0])
    high = np.ceil(np.maximum(start[:, 0], end[:, 0])).clip(
        0, crossings.shape[0]
    )  # a row at the upper end: the next edge
    count = (high - low).astype(np.intp)
    edge = np.repeat(np.arange(len(polygon)), count)
    rows = low[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    slope = (end[edge, 1] - start[edge, 1]) / (end[edge, 0] - start[edge, 0])
    at = (start[edge, 1] + (rows - start[edge, 0]) * slope).round(_DIGITS)
    columns = np.ceil(at).clip(0, crossings.shape[1] - 1).astype(np.intp)
    np.logical_xor.at(crossings, (rows.astype(np.intp), columns), np.True_)


def _outside(corners: Sequence[Contour], shape: tuple[int, int, int]) -> float:
    every = np.concatenate(corners)
    inside = ((every >= -0.5 - EXACT_VOXELS) & (every <= np.array(shape) - 0.5 + EXACT_VOXELS)).all(axis=1)
    return float(1 - inside.mean())
