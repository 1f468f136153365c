"""What pictures of a finding are made from: the region, the heatmap, the frames they lie on, and their pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.results.deliver.formats.source_slices import SourceSlice
from shared.imaging.volume import Grid, Mask, Volume

_WHOLE = 1e-3
"""A step that is nearer to a whole number of voxels than this is one."""


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredImages:
    """Everything on the grid of the measured phase."""

    region: Mask
    slices: tuple[SourceSlice, ...]
    """The slices that hold region or heatmap, in slice order."""
    heatmap: Volume | None = None
    """On a part of the region's grid; None where the model that answered made none."""
    pixels: Mapping[int, NDArray[np.float32]] = field(default_factory=dict)
    """Slice -> the measured phase (rows, columns); empty where no picture is asked for."""

    @property
    def corner(self) -> tuple[int, int, int]:
        """Return the first voxel of the heatmap on the region's grid."""
        if self.heatmap is None:
            return 0, 0, 0
        return _corner(self.heatmap.grid, self.region.grid) or (0, 0, 0)

    def heat(self, index: int) -> NDArray[np.float32] | None:
        """Return the heatmap in a slice, in the heatmap's own columns and rows; None where it has none."""
        if self.heatmap is None:
            return None
        within = index - self.corner[0]
        return self.heatmap.voxels[within] if 0 <= within < self.heatmap.grid.shape[0] else None


def slices_of(region: Mask, heatmap: Volume | None) -> tuple[int, ...]:
    """Return the indices of the slices that hold region or heatmap."""
    held = set(np.flatnonzero(region.bits.any(axis=(1, 2))).tolist())
    if heatmap is not None:
        first = (_corner(heatmap.grid, region.grid) or (0, 0, 0))[0]
        held |= {first + int(n) for n in np.flatnonzero((heatmap.voxels > 0).any(axis=(1, 2)))}
    return tuple(sorted(held))


def on_grid(heatmap: Volume, grid: Grid) -> Volume:
    """Return the heatmap on whole voxels of ``grid``: as it is where it lies on them, else interpolated linearly.

    Only the box of the grid that the heatmap covers; outside of the heatmap the values are 0.
    """
    corner = _corner(heatmap.grid, grid)
    if corner is not None and _inside(corner, heatmap.grid.shape, grid.shape):
        return Volume(heatmap.voxels, grid.part(corner, _stop(corner, heatmap.grid.shape)))
    start, stop = _box(heatmap.grid, grid)
    part = grid.part(start, stop)
    return Volume(_linear(heatmap, part), part)


def _corner(inner: Grid, outer: Grid) -> tuple[int, int, int] | None:
    """Return where the first voxel of ``inner`` lies on ``outer``, if all its voxels are voxels of ``outer``."""
    steps = np.linalg.inv(outer.affine[:3, :3]) @ inner.affine[:3, :3]
    place = outer.index(inner.affine[:3, 3])
    whole = np.round(place)
    if np.abs(steps - np.eye(3)).max() * max(inner.shape) > _WHOLE or np.abs(place - whole).max() > _WHOLE:
        return None
    return int(whole[0]), int(whole[1]), int(whole[2])


def _inside(corner: Sequence[int], shape: Sequence[int], whole: Sequence[int]) -> bool:
    return all(a >= 0 and a + n <= m for a, n, m in zip(corner, shape, whole, strict=True))


def _stop(corner: tuple[int, int, int], shape: tuple[int, int, int]) -> tuple[int, int, int]:
    return corner[0] + shape[0], corner[1] + shape[1], corner[2] + shape[2]


def _box(inner: Grid, outer: Grid) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    ends = [(-0.5, n - 0.5) for n in inner.shape]
    corners = np.array([[a, b, c] for a in ends[0] for b in ends[1] for c in ends[2]])
    found = outer.index(inner.place(corners))
    low = np.clip(np.ceil(found.min(axis=0)), 0, np.array(outer.shape) - 1).astype(int)
    high = np.clip(np.floor(found.max(axis=0)) + 1, low + 1, outer.shape).astype(int)
    return (int(low[0]), int(low[1]), int(low[2])), (int(high[0]), int(high[1]), int(high[2]))


def _linear(source: Volume, grid: Grid) -> NDArray[np.float32]:
    """Return the values of ``source`` at the voxels of ``grid``, slice by slice; 0 outside."""
    rows, columns = np.mgrid[0 : grid.shape[1], 0 : grid.shape[2]]
    out = np.zeros(grid.shape, np.float32)
    for index in range(grid.shape[0]):
        at = np.stack([np.full_like(rows, index), rows, columns], axis=-1).astype(np.float64)
        out[index] = _sampled(source.voxels, source.grid.index(grid.place(at)))
    return out


def _sampled(values: NDArray[Any], at: NDArray[np.float64]) -> NDArray[np.float64]:
    top = np.array(values.shape) - 1
    outside = ((at < -0.5) | (at > top + 0.5)).any(axis=-1)
    at = np.clip(at, 0, top)
    low = np.minimum(np.floor(at).astype(int), np.maximum(top - 1, 0))
    part = at - low
    total = np.zeros(at.shape[:-1])
    for corner in np.ndindex(2, 2, 2):
        step = np.array(corner)
        weight = np.where(step, part, 1 - part).prod(axis=-1)
        where = np.minimum(low + step, top)
        total += weight * values[where[..., 0], where[..., 1], where[..., 2]]
    total[outside] = 0.0
    return total
