"""Reading an image around every voxel of a region at the same offsets, by cubic splines.

``scipy.ndimage.map_coordinates`` works out 64 weights for every point. Here the offsets are the same for every voxel,
so a few passes along the axes do: ten times faster, and different in the last bits only. Where the last bits decide (a
tie with the voxel itself, a rounding to a whole number, hardly any variation), ``map_coordinates`` is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.imaging.volume import Bits, Voxels

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
EDGE = 4
"""Voxels nearer to the image's edge than this need its mirror image, and are read one by one."""
DOUBT = 1e-10
"""Share of the image's largest coefficient below which a difference may be rounding."""
VARIED = 1e-4
"""Share of the same that a sphere's intensities must vary by, to have a kurtosis with eleven digits."""


@dataclass(frozen=True, slots=True, eq=False)
class Around:
    """Intensities around each voxel of the region."""

    read: Voxels
    """(offsets, voxels), in the image's own kind of number."""
    exact: Bits
    """(voxels,): read one by one, as ``map_coordinates`` reads it."""


def read_around(voxels: Voxels, smooth: Floats, places: Places, offsets: Floats) -> Around:
    """Return the intensities at offsets around voxels.

    Args:
        voxels: The image.
        smooth: Its cubic spline coefficients, ``spline_filter(voxels, 3, mode="constant")``.
        places: (voxels, 3), slice, row, column.
        offsets: (n, 3), slice, row, column; none longer than one voxel.
    """
    inner: Bits = np.all((places >= EDGE) & (places < np.array(voxels.shape) - EDGE), axis=1)
    one_by_one = _Reader(smooth, voxels.dtype)
    read = np.empty((len(offsets), len(places)), dtype=voxels.dtype)
    if inner.any():
        scale = float(np.abs(smooth[_box(places[inner], 2)]).max())
        fine = _passes(smooth, places[inner], offsets)
        own = voxels[tuple(places[inner].T)]
        read[:, inner] = _settled(fine, own, scale, lambda which: one_by_one(places[inner], offsets, which))
        inner[inner] = fine.std(axis=0) > VARIED * scale
    outer = np.flatnonzero(~inner)
    every = np.ones((len(offsets), len(outer)), dtype=np.bool_)
    read[:, outer] = one_by_one(places[outer], offsets, every).reshape(every.shape)
    return Around(read, ~inner)


@dataclass(frozen=True, slots=True, eq=False)
class _Reader:
    smooth: Floats
    kind: np.dtype[np.generic]

    def __call__(self, places: Places, offsets: Floats, which: Bits) -> Voxels:
        """Return the intensities of the pairs (offset, voxel) of ``which``, one by one."""
        from scipy import ndimage

        offset, voxel = np.nonzero(which)
        where = places[voxel].T + offsets[offset].T
        read: Voxels = ndimage.map_coordinates(self.smooth, where, output=self.kind.type, order=3, prefilter=False)
        return read


def _settled(fine: Floats, own: Voxels, scale: float, one_by_one: Callable[[Bits], Voxels]) -> Voxels:
    """Return ``fine`` in the kind of number of ``own``, where the last bits decide read one by one."""
    whole = np.issubdtype(own.dtype, np.integer)
    if whole:
        limits = np.iinfo(own.dtype)
        nearest = np.clip(np.trunc(fine + np.copysign(0.5, fine)), limits.min, limits.max)
        found: Voxels = nearest.astype(own.dtype)
        doubtful = np.abs(np.abs(fine - np.trunc(fine)) - 0.5) <= DOUBT * scale
    else:
        found = fine.astype(own.dtype)
        doubtful = np.abs(fine - own) <= DOUBT * scale
    if doubtful.any():
        found[doubtful] = one_by_one(doubtful)
    return found


def _box(places: Places, margin: int) -> tuple[slice, slice, slice]:
    low, high = places.min(axis=0) - margin, places.max(axis=0) + margin + 1
    return slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])


def _passes(smooth: Floats, places: Places, offsets: Floats) -> Floats:
    """Return (offsets, voxels): along columns once per column offset, along rows once per pair, then along slices."""
    part = smooth[_box(places, 3)]
    chosen = tuple(places.T - places.min(axis=0)[:, None])
    columns: dict[float, Floats] = {}
    rows: dict[tuple[float, float], Floats] = {}
    found = np.empty((len(offsets), len(places)))
    for n, (z, y, x) in enumerate(offsets):
        if x not in columns:
            columns[x] = _along(part, 2, x)
        if (y, x) not in rows:
            rows[y, x] = _along(columns[x], 1, y)
        found[n] = _along(rows[y, x], 0, z)[chosen]
    return found


def _along(x: Floats, axis: int, offset: float) -> Floats:
    """Return the spline at ``offset`` along one axis; three voxels shorter at either end."""
    first = int(np.floor(offset))
    moved = np.moveaxis(x, axis, 0)
    n = len(moved) - 6
    total = None
    for tap, weight in enumerate(_weights(offset - first), start=first + 2):
        part = moved[tap : tap + n] * weight
        total = part if total is None else np.add(total, part, out=total)
    return np.moveaxis(np.asarray(total), 0, axis)


def _weights(t: float) -> tuple[float, float, float, float]:
    """Return the cubic B-spline at distances 1 + t, t, 1 - t, 2 - t."""
    u = 1.0 - t
    return u**3 / 6, (3 * t**3 - 6 * t**2 + 4) / 6, (3 * u**3 - 6 * u**2 + 4) / 6, t**3 / 6
