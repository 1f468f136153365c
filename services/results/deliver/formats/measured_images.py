"""What pictures of a finding are made from: the region, the heatmap, the frames they lie on, and their pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.results.deliver.formats.source_slices import SourceSlice
from shared.imaging.heat import heat_on, study_part
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

    Raises:
        ValueError: If the heatmap lies outside the grid.
    """
    corner = _corner(heatmap.grid, grid)
    if corner is not None and _inside(corner, heatmap.grid.shape, grid.shape):
        return Volume(heatmap.voxels, grid.part(corner, _stop(corner, heatmap.grid.shape)))
    return heat_on(heatmap, study_part(heatmap, grid))


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
