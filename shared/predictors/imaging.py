"""What a bundle says about images: what is measured, the network, and what both have seen. Values, no arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Preset = Literal["A", "B", "C"]
"""Which filters make up the 1781 features (methods: 107 + 18 x 93)."""


@dataclass(frozen=True, slots=True)
class RadiomicsSettings:
    """How features are measured; the same settings in training and serving, or the model means nothing."""

    preset: Preset = "A"
    bin_width: float | None = None
    """Intensity per bin; exactly one of ``bin_width`` and ``bin_count`` is set."""
    bin_count: int | None = 32
    normalise: bool = True
    """z-score of the whole image x ``normalise_scale`` before anything else."""
    normalise_scale: float = 100.0
    voxel_array_shift: float = 300.0
    resampled_mm: tuple[float, float, float] | None = (1.0, 1.0, 1.0)
    """(x, y, z); B-spline for the image, nearest neighbour for the mask; None: as it is."""

    def __post_init__(self) -> None:
        if (self.bin_width is None) == (self.bin_count is None):
            raise ValueError("either a bin width or a bin count")


@dataclass(frozen=True, slots=True)
class RadiomicsTerm:
    """One feature of the rad-score."""

    feature: str
    mean: float
    deviation: float
    """Mean and standard deviation among the training patients; the term is coefficient x (value - mean) / deviation."""
    coefficient: float


@dataclass(frozen=True, slots=True)
class RadScore:
    """The linear predictor of an L1 logistic model on radiomic features only (paper 000; methods P0-12)."""

    settings: RadiomicsSettings
    engine: str
    """Engine and version it was trained with."""
    intercept: float
    terms: tuple[RadiomicsTerm, ...]

    def of(self, values: Mapping[str, float]) -> float:
        """Return the score of one patient's features.

        Raises:
            KeyError: If a feature is missing.
        """
        return self.intercept + sum(
            one.coefficient * (values[one.feature] - one.mean) / one.deviation for one in self.terms
        )


@dataclass(frozen=True, slots=True)
class NetworkContract:
    """What the network takes and gives."""

    input_shape: tuple[int, int, int, int]
    """(channels, slices, rows, columns), for example (1, 64, 64, 64)."""
    margin: float
    """The crop is a cube around the region's box, its longest side in mm times (1 + margin), resampled to the shape."""
    normalisation: Literal["z-score"]
    """Per channel over the crop: (value - mean) / standard deviation."""
    heat_layer: str
    """The layer whose maps the second output is made of."""
    heat_shape: tuple[int, int, int]
    architecture: str
    """For example ``ResNet3D-50, bottleneck 1-3-1, width 8``."""


@dataclass(frozen=True, slots=True)
class SeenRange:
    """What of one quantity the training patients had."""

    name: str
    """``spacing_slices_mm``, ``field_tesla``, ``phase_seconds``, ``volume_mm3``, a feature's name ..."""
    low: float
    high: float
    """1st and 99th percentile."""


@dataclass(frozen=True, slots=True)
class SeenDistribution:
    """What a model has seen: ranges for people, a mean and a covariance for the distance."""

    ranges: tuple[SeenRange, ...]
    manufacturers: tuple[str, ...]
    features: tuple[str, ...]
    """Columns of ``mean`` and ``precision``."""
    mean: tuple[float, ...]
    precision: tuple[tuple[float, ...], ...]
    """Inverse of the (shrunken) covariance."""
    quantiles: tuple[tuple[float, float], ...]
    """(share of the training patients, Mahalanobis distance), rising: how unusual a distance is."""


@dataclass(frozen=True, slots=True)
class ImagingContract:
    """Everything a variant needs of the images."""

    rad_score: RadScore | None
    network: NetworkContract | None
    seen: SeenDistribution


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What the network says of one crop."""

    probability: float
    """Of the positive class."""
    heat: NDArray[np.float32]
    """(slices, rows, columns) of the heat layer: class-weighted sum of its maps, not yet cut at zero."""
    runtime: str
    precision: str
