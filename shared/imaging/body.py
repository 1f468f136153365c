"""The body in a volume, which side of it is shown, and on which side of it a region lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from shared.domain.identity import Side
from shared.imaging.volume import Bits, Grid, Mask, Volume

AIR_FRACTION = 0.15
"""Of the mean signal of the brighter voxels: less is air. Suppressed fat lies above it, noise below."""
BOTH_BREASTS_MM = 240.0
"""A field this wide from left to right shows both breasts; one breast is imaged in 150 to 220 mm."""
FAT_FROM_MM, FAT_TO_MM = 4.0, 10.0
"""Below the surface: behind the skin and before the glandular tissue."""
BRIGHT_FAT = 0.8
"""Of the 95th percentile before contrast; suppressed fat has half of that and less."""
MIDLINE_SHARE = 0.9
"""A region lies on a side when this share of it does."""
_LARGEST_SLICE = 192
"""Voxels along a row or a column of the lattice the body is looked for on."""


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """The body on a coarser lattice of the volume: every ``step``-th voxel along each axis."""

    bits: Bits
    grid: Grid
    """Of the lattice."""
    step: tuple[int, int, int]
    midline_mm: float | None
    """x of the plane between the breasts; None where the field shows one breast, or only part of it."""

    def covers(self, where: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Tell which of the voxels (n, 3) of the whole volume lie in the body."""
        covered: NDArray[np.bool_] = self.bits[tuple(self.coarse(where).T)]
        return covered

    def coarse(self, where: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the voxels of the lattice nearest to voxels (n, 3) of the whole volume."""
        nearest = np.rint(where / np.array(self.step)).astype(np.intp)
        bounded: NDArray[np.intp] = np.minimum(nearest, np.array(self.bits.shape) - 1)
        return bounded

    @property
    def depth_mm(self) -> NDArray[np.float64]:
        """Return the distance of each voxel of the lattice from the air, in millimetres; infinite without any air."""
        if self.bits.all():
            return np.full(self.bits.shape, np.inf)
        spacing = self.grid.spacing
        sampling = (spacing.slices, spacing.rows, spacing.columns)
        depth: NDArray[np.float64] = ndimage.distance_transform_edt(self.bits, sampling=sampling)
        return depth


def body_in(volume: Volume) -> Body:
    """Return the body: what is not air, its gaps filled, without loose specks."""
    rows, columns = (max(1, -(-n // _LARGEST_SLICE)) for n in volume.grid.shape[1:])
    step = (1, rows, columns)
    voxels = volume.voxels[:, :: step[1], :: step[2]]
    bright = _solid(voxels > _air(voxels))
    grid = _lattice(volume.grid, step, bright.shape)
    return Body(bright, grid, step, _midline(bright, grid))


def fat_is_bright(pre: Volume, body: Body) -> bool:
    """Tell whether the images before contrast are not fat-suppressed: the fat under the skin is among the brightest."""
    depth = body.depth_mm
    under_the_skin = (depth > FAT_FROM_MM) & (depth <= FAT_TO_MM) & body.bits
    if not under_the_skin.any():
        return False
    voxels = pre.voxels[:: body.step[0], :: body.step[1], :: body.step[2]]
    return float(np.median(voxels[under_the_skin])) >= BRIGHT_FAT * float(np.percentile(voxels, 95))


def shows_both_breasts(grid: Grid) -> bool:
    """Tell whether the field is wide enough from left to right for both."""
    ends = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)]) * (np.array(grid.shape) - 1.0)
    return float(np.ptp(grid.place(ends)[:, 0])) >= BOTH_BREASTS_MM


def side_of_places(x_mm: NDArray[np.float64], midline_mm: float) -> Side | None:
    """Return the side of the midline on which the places lie; None where they lie on both (+x is left: LPS)."""
    if not x_mm.size:
        return None
    left = float((x_mm > midline_mm).mean())
    return Side.LEFT if left >= MIDLINE_SHARE else Side.RIGHT if left <= 1 - MIDLINE_SHARE else None


def sided_parts(mask: Mask, midline_mm: float) -> tuple[tuple[float, Side], ...]:
    """Return the volume in mm³ of each connected part of a mask, with the side on which its middle lies."""
    labels, _ = ndimage.label(mask.bits)
    where = np.argwhere(mask.bits)
    part = labels[tuple(where.T)]
    voxels = np.bincount(part)[1:]
    middles = np.bincount(part, mask.grid.place(where.astype(np.float64))[:, 0])[1:] / np.maximum(voxels, 1)
    sides = (Side.LEFT if x > midline_mm else Side.RIGHT for x in middles)
    return tuple(
        (count * mask.grid.spacing.voxel_mm3, side) for count, side in zip(voxels.tolist(), sides, strict=True)
    )


def places_of(mask: Mask) -> NDArray[np.float64]:
    """Return where the voxels of a mask lie, (n, 3) in LPS millimetres."""
    return mask.grid.place(np.argwhere(mask.bits).astype(np.float64))


def _air(voxels: NDArray[np.generic]) -> float:
    mean = float(voxels.mean())
    brighter = voxels[voxels > mean]  # type: ignore[operator]  # numbers, whatever their type
    return AIR_FRACTION * float(brighter.mean()) if brighter.size else mean - 1


def _solid(bright: Bits) -> Bits:
    """Return the parts of a tenth of the largest or more, with what each slice's skin and muscle enclose.

    Suppressed fat may be as dark as air, and the skin around it open at the edge of the field: what lies between bright
    voxels both along its row and along its column is body too.
    """
    labels, count = ndimage.label(bright)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    large: Bits = np.concatenate(([False], sizes >= 0.1 * sizes.max(initial=0)))[labels]
    between = _between(large, 1) & _between(large, 2)
    return np.stack([ndimage.binary_fill_holes(plane) for plane in large | between])


def _between(bits: Bits, axis: int) -> Bits:
    before = np.logical_or.accumulate(bits, axis=axis)
    behind = np.flip(np.logical_or.accumulate(np.flip(bits, axis), axis=axis), axis)
    found: Bits = before & behind
    return found


def _lattice(grid: Grid, step: tuple[int, ...], shape: tuple[int, ...]) -> Grid:
    affine = grid.affine @ np.diag([*(float(n) for n in step), 1.0])
    return Grid((shape[0], shape[1], shape[2]), affine, grid.frame_of_reference_uid)


def _midline(bits: Bits, grid: Grid) -> float | None:
    """Return the middle of the body from left to right; its outermost hundredths do not count (an arm, an artefact)."""
    if not bits.any() or not shows_both_breasts(grid):
        return None
    x = grid.place(np.argwhere(bits).astype(np.float64))[:, 0]
    return float(np.percentile(x, [1, 99]).mean())
