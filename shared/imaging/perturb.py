"""A region as another reader might have drawn it: grown, shrunk, shifted. The same region gives the same ones.

After Zwanenburg et al., Assessing robustness of radiomic features by image perturbation, Sci Rep 2019;9:614
(doi:10.1038/s41598-018-36938-4): volume adaptation and translation of the mask. What is shifted over the edge of the
grid is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from shared.imaging.volume import Bits, Mask

GROWTH_MM = (-1.0, 1.0)
GROWTH_VOXELS = (-1, 1)
GROWTH_SHARES = (-0.15, 0.15)
"""Of the volume; Zwanenburg et al. go from -20 % to 20 %."""


@dataclass(frozen=True, slots=True, eq=False)
class Perturbed:
    """A perturbed region, and what was done to it."""

    name: str
    """Machine-readable, for example ``grown_by_1_mm``, ``shifted_along_rows_by_-1_voxels``."""
    mask: Mask


def perturbations(mask: Mask) -> Iterator[Perturbed]:
    """Yield the region grown and shrunk (by voxels, millimetres, share) and shifted by one voxel each way.

    What leaves nothing of the region is left out.
    """
    every = [
        *(Perturbed(f"grown_by_{voxels}_voxels", grown_by_voxels(mask, voxels)) for voxels in GROWTH_VOXELS),
        *(Perturbed(f"grown_by_{mm:g}_mm", grown_by_mm(mask, mm)) for mm in GROWTH_MM),
        *(Perturbed(f"grown_by_{share:.0%}", grown_by_share(mask, share)) for share in GROWTH_SHARES),
    ]
    for axis, name in enumerate(("slices", "rows", "columns")):
        for step in (-1, 1):
            offset = [0, 0, 0]
            offset[axis] = step
            moved = shifted(mask, (offset[0], offset[1], offset[2]))
            every.append(Perturbed(f"shifted_along_{name}_by_{step}_voxels", moved))
    yield from (one for one in every if one.mask.bits.any())


def grown_by_voxels(mask: Mask, voxels: int) -> Mask:
    """Return the region with ``voxels`` layers more (fewer where negative); six neighbours touch."""
    if not voxels:
        return mask
    turn = ndimage.binary_dilation if voxels > 0 else ndimage.binary_erosion
    around, cut = _around(mask, (abs(voxels),) * 3)
    return _put_back(mask, cut, turn(around, iterations=abs(voxels)))


def grown_by_mm(mask: Mask, mm: float) -> Mask:
    """Return the voxels whose centres lie within ``mm`` of a centre of the region.

    Negative: the voxels whose centres lie farther than that from every centre outside of the region.
    """
    spacing = mask.grid.spacing
    margin = (_layers(mm, spacing.slices), _layers(mm, spacing.rows), _layers(mm, spacing.columns))
    around, cut = _around(mask, margin)
    distance = _signed_distance(around, mask)
    grown = (distance <= mm) | around if mm >= 0 else (distance < mm) & around
    return _put_back(mask, cut, grown)


def grown_by_share(mask: Mask, share: float) -> Mask:
    """Return the region with its volume times ``1 + share``: voxels join, or leave, by their distance from its edge.

    Of voxels equally far from the edge the first in the array's order goes first.

    Raises:
        ValueError: If the share leaves nothing, or more than doubles the region.
    """
    if not -1 < share <= 1:
        raise ValueError(f"a region grows by -100 % to 100 %, got {share:.0%}")
    if not mask.count:
        return mask
    count = max(1, round(mask.count * (1 + share)))
    around, cut = _around(mask, (_widest(mask),) * 3)
    order = np.argsort(_signed_distance(around, mask).round(6).ravel(), kind="stable")
    chosen = np.zeros(around.size, dtype=np.bool_)
    chosen[order[:count]] = True
    return _put_back(mask, cut, chosen.reshape(around.shape))


def shifted(mask: Mask, offset: tuple[int, int, int]) -> Mask:
    """Return the region moved by ``offset`` voxels along slices, rows, columns."""
    bits = np.zeros_like(mask.bits)
    where = np.argwhere(mask.bits) + np.array(offset)
    inside = ((where >= 0) & (where < np.array(bits.shape))).all(axis=1)
    bits[tuple(where[inside].T)] = True
    return Mask(bits, mask.grid)


def _around(mask: Mask, margin: tuple[int, int, int]) -> tuple[Bits, tuple[slice, ...]]:
    """Return the box of the region with a margin of at least a voxel beside it, and where that lies."""
    if not mask.bits.any():
        return np.zeros((1, 1, 1), dtype=np.bool_), (slice(0, 1),) * 3
    start, stop = mask.box
    cut = tuple(
        slice(max(0, a - m - 1), min(n, b + m + 1))
        for a, b, m, n in zip(start, stop, margin, mask.bits.shape, strict=True)
    )
    return mask.bits[cut], cut


def _put_back(mask: Mask, cut: tuple[slice, ...], part: Bits) -> Mask:
    bits = np.zeros_like(mask.bits)
    bits[cut] = part
    return Mask(bits, mask.grid)


def _signed_distance(bits: Bits, mask: Mask) -> NDArray[np.float64]:
    """Return the distance to the nearest centre of the region, or, inside, minus that to the nearest outside of it.

    What lies beyond the grid counts as outside.
    """
    spacing = mask.grid.spacing
    sampling = (spacing.slices, spacing.rows, spacing.columns)
    framed = np.pad(bits, 1)
    inner = (slice(1, -1),) * 3
    outside: NDArray[np.float64] = ndimage.distance_transform_edt(~framed, sampling=sampling)[inner]
    inside: NDArray[np.float64] = ndimage.distance_transform_edt(framed, sampling=sampling)[inner]
    return outside - inside


def _layers(mm: float, spacing: float) -> int:
    return int(np.ceil(abs(mm) / spacing))


def _widest(mask: Mask) -> int:
    if not mask.bits.any():
        return 0
    start, stop = mask.box
    return max(b - a for a, b in zip(start, stop, strict=True))
