"""Grey levels of one filter image in the region, worked out once for all classes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from shared.domain.errors import InvalidInputError
from shared.imaging.volume import Bits, Voxels
from shared.predictors.imaging import RadiomicsSettings
from shared.radiomics.prepared import Floats

Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Levels:
    """Intensities and grey levels of the region's voxels, in the order of ``array[bits]``."""

    values: Voxels
    levels: Whole
    """From 1."""
    bits: Bits
    """The region in its box."""

    @cached_property
    def counts(self) -> Whole:
        """Return how many voxels have each of the present levels."""
        return np.bincount(self.levels)[self.present]

    @cached_property
    def present(self) -> Whole:
        """Return the levels that occur, rising."""
        return np.flatnonzero(np.bincount(self.levels))

    @property
    def highest(self) -> int:
        """Return the highest level."""
        return int(self.present[-1])

    @cached_property
    def boxed(self) -> NDArray[np.int32]:
        """Return the levels in the region's box, 0 outside of the region."""
        box = np.zeros(self.bits.shape, dtype=np.int32)
        box[self.bits] = self.levels
        return box

    @cached_property
    def framed(self) -> Voxels:
        """Return ``boxed`` with a frame of zeros one voxel wide, in the smallest kind of number that holds it."""
        small = np.uint8 if self.highest < 2**8 else np.uint16 if self.highest < 2**16 else np.uint32
        return np.pad(self.boxed.astype(small), 1)


def levels_of(image: Voxels, bits: Bits, settings: RadiomicsSettings) -> Levels:
    """Return the grey levels by a fixed number of bins between the region's extremes, or by bins of a fixed width.

    Raises:
        InvalidInputError: If a voxel of the region has no value in this image.
    """
    values = image[bits]
    if not np.isfinite(values).all():
        raise InvalidInputError("region", "cannot be measured: it is flat around a voxel, which leaves no pattern")
    width, count = settings.bin_width, settings.bin_count
    edges = _fixed_count(values, count or 0) if width is None else _fixed_width(values, width)
    return Levels(values, np.digitize(values, edges), bits)


def _fixed_count(values: Voxels, count: int) -> Floats:
    edges: Floats = np.histogram_bin_edges(values, count)
    edges[-1] += 1  # the largest value belongs to the last bin
    return edges


def _fixed_width(values: Voxels, width: float) -> Floats:
    """Bins are multiples of the width from zero, so that the same intensity is the same bin in every patient."""
    low, high = values.min(), values.max()
    edges: Floats = np.arange(low - (low % width), high + 2 * width, width)
    return edges if len(edges) > 1 else np.array([edges[0] - 0.5, edges[0] + 0.5])
