"""Our volumes and masks as SimpleITK images: voxels and spacing; no feature asks where in the patient they lie."""

from __future__ import annotations

from typing import Any

import numpy as np

from shared.imaging.volume import Grid, Mask, Volume, Voxels


def simple_itk() -> Any:
    """Return SimpleITK; its functions have no types."""
    import SimpleITK

    return SimpleITK


def sitk_image(image: Volume) -> Any:
    """Return the image; integers stay integers (pyradiomics' LBP-3D rounds those), other values become float64."""
    whole = np.issubdtype(image.voxels.dtype, np.integer)
    return _placed(image.voxels if whole else image.voxels.astype(np.float64), image.grid)


def sitk_mask(mask: Mask) -> Any:
    """Return the mask with label 1."""
    return _placed(mask.bits.astype(np.uint8), mask.grid)


def _placed(voxels: Voxels, grid: Grid) -> Any:
    placed = simple_itk().GetImageFromArray(np.ascontiguousarray(voxels))
    spacing = grid.spacing
    placed.SetSpacing((spacing.columns, spacing.rows, spacing.slices))
    return placed
