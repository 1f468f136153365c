"""The image and the region as they are measured: normalised, resampled, and the smallest box around the region."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.domain.errors import InvalidInputError
from shared.imaging.volume import Bits, Mask, Volume, Voxels
from shared.predictors.imaging import RadiomicsSettings
from shared.radiomics.parameters import keywords
from shared.radiomics.sitk_images import simple_itk, sitk_image, sitk_mask

Floats = NDArray[np.float64]
Box = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False)
class Prepared:
    """What filters work on. Arrays are (slices, rows, columns)."""

    image: Any
    """SimpleITK image, whole: filters look beyond the region, and some scale by the extremes of everything."""
    voxels: Voxels
    """The same as an array."""
    bits: Bits
    """The region on ``image``."""
    box: Box
    """Around the region."""
    spacing: tuple[float, float, float]
    """Of slices, rows, columns, in millimetres."""

    @cached_property
    def inside(self) -> Bits:
        """Return the region in its box."""
        return np.ascontiguousarray(self.bits[self.box])

    @cached_property
    def largest(self) -> float:
        """Return the largest absolute intensity of the whole image."""
        return float(np.max(np.abs(self.voxels.astype(np.float64))))


def prepared(image: Volume, mask: Mask, settings: RadiomicsSettings) -> Prepared:
    """Normalise and resample as pyradiomics does (its own code), and find the box.

    Raises:
        InvalidInputError: If nothing measurable is left of the region.
    """
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    try:
        whole, region = RadiomicsFeatureExtractor.loadImage(
            sitk_image(image), sitk_mask(mask), None, **keywords(settings)
        )
    except ValueError as error:
        raise InvalidInputError("region", f"cannot be measured: {error}") from error
    return _boxed(whole, region)


def _boxed(whole: Any, region: Any) -> Prepared:
    sitk = simple_itk()
    bits: Bits = sitk.GetArrayViewFromImage(region) == 1
    if not bits.any():
        raise InvalidInputError("region", "has no voxel left after resampling")
    start, stop = zip(*(_extent(bits, axis) for axis in range(3)), strict=True)
    if min(b - a for a, b in zip(start, stop, strict=True)) < 2:
        raise InvalidInputError("region", "is one voxel thick after resampling; features of a volume need two")
    box = slice(start[0], stop[0]), slice(start[1], stop[1]), slice(start[2], stop[2])
    columns, rows, slices = whole.GetSpacing()
    return Prepared(whole, sitk.GetArrayFromImage(whole), bits, box, (slices, rows, columns))


def _extent(bits: Bits, axis: int) -> tuple[int, int]:
    along = np.flatnonzero(bits.any(axis=tuple(other for other in range(3) if other != axis)))
    return int(along[0]), int(along[-1]) + 1
