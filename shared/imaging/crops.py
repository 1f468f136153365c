"""The crop a network is given: the one rule, for training and for serving.

Its axes are those of the patient, whatever way the study is stored: slices run towards the head, rows towards the back,
columns towards the patient's left (+z, +y, +x of LPS, PS3.3 C.7.6.2.1.1). So a study and the same study flipped, turned
or in another slice order give the same crop, and left is never taken for right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.imaging.volume import Affine, Grid, Mask, Volume

TOWARDS = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
"""Columns: the direction in LPS of a crop's slice, row and column axis."""
_FLAT = 1e-6
"""A channel whose deviation is below this share of its largest value is one value everywhere."""


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """What goes into the network, and where in the patient it lies."""

    voxels: NDArray[np.float32]
    """(channels, slices, rows, columns), z-scored per channel over the crop."""
    grid: Grid
    """Of one channel; no stored frames, since its slices are none."""


def take_crop(channels: Sequence[Volume], mask: Mask, input_shape: tuple[int, int, int, int], margin: float) -> Crop:
    """Return the cube around the region, resampled (trilinear) and normalised.

    Args:
        channels: Volumes on one grid, one per channel.
        mask: The region, on the same grid.
        input_shape: (channels, slices, rows, columns), as in ``NetworkContract.input_shape``.
        margin: The edge of the cube is the longest side of the region's box in mm times (1 + margin).

    Outside the study the nearest voxel's value stands. A channel of one value becomes zero.

    Raises:
        ValueError: If the mask is empty, the volumes are not one per channel, or lie on another grid.
    """
    if len(channels) != input_shape[0] or any(not one.grid.same_place(mask.grid) for one in channels):
        raise ValueError(f"{input_shape[0]} volumes on the grid of the mask make this crop")
    grid = crop_grid(mask, (input_shape[1], input_shape[2], input_shape[3]), margin)
    return Crop(np.stack([normalised(resampled(one, grid)) for one in channels]), grid)


def crop_grid(mask: Mask, shape: tuple[int, int, int], margin: float) -> Grid:
    """Return where the crop around ``mask`` lies.

    The box is that of the region's voxels, to their edges, along the axes of the patient; the cube has its centre.

    Raises:
        ValueError: If the mask is empty.
    """
    if not mask.bits.any():
        raise ValueError("an empty mask has no crop")
    low, high = _extent(mask)
    edge = float((high - low).max()) * (1.0 + margin)
    affine = np.eye(4)
    affine[:3, :3] = TOWARDS * (edge / np.array(shape, dtype=np.float64))
    middle = (np.array(shape, dtype=np.float64) - 1) / 2
    affine[:3, 3] = (low + high) / 2 - affine[:3, :3] @ middle
    return Grid(shape, affine, mask.grid.frame_of_reference_uid)


def resampled(volume: Volume, onto: Grid, outside: float | None = None) -> NDArray[np.float32]:
    """Return the volume's values at the voxels of another grid, trilinear.

    Args:
        volume: What is read.
        onto: Where; both grids are in the same patient's coordinates.
        outside: Value beyond the volume's voxels; None: that of the nearest voxel.
    """
    from scipy import ndimage  # who delivers loads scipy with the first map of images

    index = np.linalg.inv(volume.grid.affine) @ onto.affine
    start, stop = _needed(index, onto.shape, volume.grid.shape)
    part = volume.voxels[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))].astype(np.float32)
    values: NDArray[np.float32] = ndimage.affine_transform(
        part, index[:3, :3], index[:3, 3] - start, onto.shape, np.float32, order=1,
        mode="nearest" if outside is None else "constant", cval=outside or 0.0,
    )  # fmt: skip
    return values


def normalised(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (value - mean) / standard deviation; zeros where there is one value only."""
    wide = values.astype(np.float64)
    centred: NDArray[np.float64] = wide - wide.mean()
    deviation = float(centred.std())
    if deviation <= _FLAT * max(1.0, float(np.abs(wide).max())):
        return np.zeros(values.shape, dtype=np.float32)
    return (centred / deviation).astype(np.float32)


def _extent(mask: Mask) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest place of the region's voxels in LPS millimetres, to the edges of the voxels."""
    centres = mask.grid.place(np.argwhere(mask.bits).astype(np.float64))
    half = np.abs(mask.grid.affine[:3, :3]).sum(axis=1) / 2
    return centres.min(axis=0) - half, centres.max(axis=0) + half


def _needed(index: Affine, shape: tuple[int, int, int], source: tuple[int, int, int]) -> tuple[list[int], list[int]]:
    """Which part of the source is read: the rest is neither copied nor converted."""
    ends = [(0.0, n - 1.0) for n in shape]
    corners = np.array([[a, b, c] for a in ends[0] for b in ends[1] for c in ends[2]]) @ index[:3, :3].T + index[:3, 3]
    low, high = np.floor(corners.min(axis=0)) - 1, np.ceil(corners.max(axis=0)) + 2
    start = [int(min(max(a, 0), n - 1)) for a, n in zip(low, source, strict=True)]
    stop = [int(max(min(b, n), a + 1)) for b, a, n in zip(high, start, source, strict=True)]
    return start, stop
