"""The real MR volumes of ``../shared/data/mri`` as our own values, and simple lesions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813

from shared.imaging.volume import Grid, Mask, Volume, Voxels

Case = tuple[Volume, Mask]


def grid_of(shape: tuple[int, int, int], spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Grid:
    """Return an axial grid; spacing of slices, rows, columns."""
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = *spacing, 1.0
    return Grid(shape, affine)


def real_case(data: Path, name: str) -> Case:
    """Return ``brain1`` or ``breast1`` with its mask (label 1)."""
    image: Any = sitk.ReadImage(str(data / "mri" / f"{name}_image.nrrd"))
    label = sitk.GetArrayFromImage(sitk.ReadImage(str(data / "mri" / f"{name}_label.nrrd"))) == 1
    columns, rows, slices = image.GetSpacing()
    voxels: Voxels = sitk.GetArrayFromImage(image)
    grid = grid_of(voxels.shape, (slices, rows, columns))
    return Volume(voxels, grid), Mask(label, grid)


def ball(side: int = 20, radius: float = 6.0, seed: int = 0, noise: float = 20.0) -> Case:
    """Return a bright ball with texture in a darker cube of 1 mm voxels."""
    grid = grid_of((side, side, side))
    place = np.indices(grid.shape) - (side - 1) / 2
    bits = np.sqrt((place**2).sum(axis=0)) <= radius
    rng = np.random.default_rng(seed)
    texture = np.add.outer(np.sin(np.arange(side) / 2), np.add.outer(np.cos(np.arange(side) / 3), np.zeros(side)))
    voxels = 200.0 + 300.0 * bits + 40.0 * texture + rng.normal(0, noise, grid.shape)
    return Volume(voxels.round().astype(np.int16), grid), Mask(bits, grid)


def lesion(side: int = 64, around: int = 16, seed: int = 1) -> Case:
    """Return a lobulated lesion about ``side`` voxels across, with texture, in a larger cube of 1 mm voxels."""
    from scipy import ndimage

    grid = grid_of((side + 2 * around,) * 3)
    rng = np.random.default_rng(seed)
    rough, texture = (ndimage.gaussian_filter(rng.normal(size=grid.shape), sigma) for sigma in (5, 2))
    radius = np.sqrt(((np.indices(grid.shape) - (grid.shape[0] - 1) / 2) ** 2).sum(axis=0))
    parts, _ = ndimage.label(radius + 3 * rough / rough.std() < side / 2 - 4)
    bits = parts == parts[tuple(n // 2 for n in grid.shape)]
    voxels = 200 + 300 * bits + 80 * bits * texture / texture.std() + rng.normal(0, 15, grid.shape)
    return Volume(voxels.round().astype(np.int16), grid), Mask(bits, grid)
