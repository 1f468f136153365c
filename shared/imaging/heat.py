"""A network's map back onto the patient: where its cells lie, as a picture in [0, 1], and how much is in the tumour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.imaging.crops import resampled
from shared.imaging.volume import Grid, Mask, Volume

RING_MM = 5.0
"""Width of the peritumoral ring."""


@dataclass(frozen=True, slots=True)
class HeatShares:
    """Where the heat lies; the three add up to 1."""

    inside: float
    """Share within the region."""
    ring: float
    """Share outside the region, at most ``ring_mm`` from it."""
    elsewhere: float
    ring_mm: float


def heat_grid(shape: tuple[int, int, int], crop: Grid) -> Grid:
    """Return where the cells of a map lie that was made from a crop on the grid ``crop``.

    Cell i looks at the crop around voxel stride x i, not at the middle of the i-th block: every convolution and pooling
    with a stride is padded alike on both sides, so its i-th output is centred on input stride x i.
    """
    stride = np.array(crop.shape, dtype=np.float64) / np.array(shape, dtype=np.float64)
    affine = crop.affine.copy()
    affine[:3, :3] = crop.affine[:3, :3] * stride
    return Grid(shape, affine, crop.frame_of_reference_uid)


def heat_volume(heat: NDArray[np.float32], crop: Grid) -> Volume:
    """Return the map (slices, rows, columns) as heat of the positive class in [0, 1]: cut at zero, over its largest.

    All zero where nothing speaks for the positive class.
    """
    cut = np.maximum(heat, 0.0).astype(np.float32)
    largest = float(cut.max())
    grid = heat_grid((heat.shape[0], heat.shape[1], heat.shape[2]), crop)
    return Volume(cut / np.float32(largest) if largest > 0 else cut, grid)


def heat_on(heat: Volume, onto: Grid) -> Volume:
    """Return the heat at the voxels of a study, trilinear; half a cell beyond its outermost cells it has ended."""
    values = np.clip(resampled(heat, onto), 0.0, 1.0)
    return Volume(np.where(_reached(heat.grid, onto), values, np.float32(0.0)), onto)


def study_part(heat: Volume, study: Grid) -> Grid:
    """Return the smallest part of a study's grid that holds all the heat, so that no empty slices are made.

    Raises:
        ValueError: If the heat lies outside the study.
    """
    ends = [(-0.5, n - 0.5) for n in heat.grid.shape]
    corners = np.array([[a, b, c] for a in ends[0] for b in ends[1] for c in ends[2]])
    index = study.index(heat.grid.place(corners))
    start = [max(int(np.floor(one)), 0) for one in index.min(axis=0)]
    stop = [min(int(np.ceil(one)) + 1, n) for one, n in zip(index.max(axis=0), study.shape, strict=True)]
    return study.part((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def heat_shares(heat: Volume, mask: Mask, ring_mm: float = RING_MM) -> HeatShares | None:
    """Return how much of the heat lies within the region, in the ring around it, and elsewhere; None without heat."""
    part = study_part(heat, mask.grid)
    start = np.rint(mask.grid.index(part.place(np.zeros(3)))).astype(int)
    bits = mask.bits[tuple(slice(a, a + n) for a, n in zip(start, part.shape, strict=True))]
    values = heat_on(heat, part).voxels.astype(np.float64)
    total = float(values.sum())
    if total <= 0:
        return None
    from scipy import ndimage  # who only draws a map does not load it

    spacing = part.spacing
    away = ndimage.distance_transform_edt(~bits, sampling=(spacing.slices, spacing.rows, spacing.columns))
    near = ~bits & (away <= ring_mm) if bits.any() else np.zeros_like(bits)
    inside, ring = float(values[bits].sum()) / total, float(values[near].sum()) / total
    return HeatShares(inside, ring, 1.0 - inside - ring, ring_mm)


def _reached(heat: Grid, onto: Grid) -> NDArray[np.bool_]:
    """Which voxels of ``onto`` lie within a cell of the heat."""
    index = np.linalg.inv(heat.affine) @ onto.affine
    a, b, c = np.ogrid[tuple(slice(n) for n in onto.shape)]
    reached = np.ones(onto.shape, dtype=np.bool_)
    for row, n in zip(index[:3], heat.shape, strict=True):
        place = row[0] * a + row[1] * b + row[2] * c + row[3]
        reached &= (place >= -0.5) & (place <= n - 0.5)
    return reached
