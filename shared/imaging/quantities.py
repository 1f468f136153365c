"""A study and its region in numbers, before any model is asked; the same in training and serving."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from shared.imaging.region import BreastImages
from shared.imaging.volume import Bits, Mask, Volume

VOLUME = "volume_mm3"
LN_VOLUME = "ln_volume_mm3"
MEDIAN = "region_median"
"""Of the measured phase within the region, in the scanner's arbitrary units."""
LONGEST = "longest_diameter_mm"
ENHANCEMENT = "median_enhancement_percent"
RATIO = "median_signal_enhancement_ratio"
_PAIRS_AT_ONCE = 1 << 20


def quantities(images: BreastImages) -> Mapping[str, float]:
    """Return name -> value: spacing, field strength, time of the phase, size, and enhancement where phases allow.

    What the images do not tell is absent. The region is never empty: such a one was refused before.
    """
    region, spacing = images.region.mask, images.early.grid.spacing
    found = {
        "spacing_slices_mm": spacing.slices, "spacing_rows_mm": spacing.rows, "spacing_columns_mm": spacing.columns,
        VOLUME: region.volume_mm3, LN_VOLUME: math.log(region.volume_mm3), LONGEST: longest_diameter_mm(region),
        MEDIAN: float(np.median(_inside(images.early, images))),
    }  # fmt: skip
    taken = images.acquisition
    stated = {"field_tesla": taken.field_tesla, "phase_seconds": taken.seconds} if taken else {}
    medians = {ENHANCEMENT: _enhancement(images), RATIO: _ratio(images)}
    return found | {name: value for name, value in (stated | medians).items() if value is not None}


def longest_diameter_mm(region: Mask) -> float:
    """Return the largest distance between the centres of two voxels of the region, in three dimensions, in mm.

    Raises:
        ValueError: If the mask is empty.
    """
    start, stop = region.box
    bits = region.bits[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))]
    places = region.grid.place(np.argwhere(_ends_of_lines(bits)).astype(np.float64) + np.array(start))
    step = max(1, _PAIRS_AT_ONCE // len(places))
    parts = (places[at : at + step, None, :] - places[None, :, :] for at in range(0, len(places), step))
    return float(max(np.sqrt((part**2).sum(axis=-1).max()) for part in parts))


def _ends_of_lines(bits: Bits) -> Bits:
    """Return the voxels that are first or last on their line along every axis: two of them lie farthest apart."""
    ends = bits.copy()
    for axis in range(3):
        before = np.cumsum(bits, axis=axis)
        ends &= (before == 1) | (before == before.take([-1], axis=axis))
    return ends


def _enhancement(images: BreastImages) -> float | None:
    if images.pre is None:
        return None
    before, early = _inside(images.pre, images), _inside(images.early, images)
    return _median(100.0 * (early - before), before)


def _ratio(images: BreastImages) -> float | None:
    """Signal enhancement ratio (S1 - S0) / (S2 - S0): Hylton et al., Radiology 2012;263(3):663-672."""
    if images.pre is None or images.late is None:
        return None
    before = _inside(images.pre, images)
    return _median(_inside(images.early, images) - before, _inside(images.late, images) - before)


def _inside(volume: Volume, images: BreastImages) -> NDArray[np.float64]:
    return volume.voxels[images.region.mask.bits].astype(np.float64)


def _median(above: NDArray[np.float64], below: NDArray[np.float64]) -> float | None:
    """Return the median quotient; None where it has no meaning in half of the voxels or more."""
    meant = below > 0
    return float(np.median(above[meant] / below[meant])) if 2 * meant.sum() > meant.size else None
