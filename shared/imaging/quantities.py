"""How a study was taken and how large its region is, by name: what a model compares with what it has seen."""

from __future__ import annotations

import math

import numpy as np

from shared.imaging.region import BreastImages

QUANTITIES = (
    "spacing_slices_mm", "spacing_rows_mm", "spacing_columns_mm", "field_tesla", "phase_seconds", "volume_mm3",
    "ln_volume_mm3", "region_median",
)  # fmt: skip
"""Names, in the order of ``quantities``; training and serving use the same function."""


def quantities(images: BreastImages) -> dict[str, float]:
    """Return every quantity of a study; NaN where the images do not tell.

    ``region_median`` is the median of the measured phase within the region (arbitrary units of the scanner).
    """
    grid, mask, taken = images.early.grid, images.region.mask, images.acquisition
    spacing = grid.spacing
    field = taken.field_tesla if taken else None
    seconds = taken.seconds if taken else None
    volume = mask.volume_mm3
    return {
        "spacing_slices_mm": spacing.slices,
        "spacing_rows_mm": spacing.rows,
        "spacing_columns_mm": spacing.columns,
        "field_tesla": math.nan if field is None else field,
        "phase_seconds": math.nan if seconds is None else seconds,
        "volume_mm3": volume,
        "ln_volume_mm3": math.log(volume) if volume > 0 else math.nan,
        "region_median": float(np.median(images.early.voxels[mask.bits])) if mask.count else math.nan,
    }
