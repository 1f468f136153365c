"""The 1781 names as pyradiomics 3.0.1 writes them: features per class, filters per preset (methods 1.2: 107 + 18 x 93).

The six features of paper 000 (suppl. 2; methods 1.1) are ``PAPER``; all six are in every preset.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from shared.domain.errors import InvalidInputError
from shared.predictors.imaging import Preset

SHAPE = (
    "Elongation", "Flatness", "LeastAxisLength", "MajorAxisLength", "Maximum2DDiameterColumn", "Maximum2DDiameterRow",
    "Maximum2DDiameterSlice", "Maximum3DDiameter", "MeshVolume", "MinorAxisLength", "Sphericity", "SurfaceArea",
    "SurfaceVolumeRatio", "VoxelVolume",
)  # fmt: skip
"""14 features of the mask alone; measured once, under ``original_shape_``."""

CLASSES: Mapping[str, tuple[str, ...]] = {
    "firstorder": (
        "10Percentile", "90Percentile", "Energy", "Entropy", "InterquartileRange", "Kurtosis", "Maximum", "Mean",
        "MeanAbsoluteDeviation", "Median", "Minimum", "Range", "RobustMeanAbsoluteDeviation", "RootMeanSquared",
        "Skewness", "TotalEnergy", "Uniformity", "Variance",
    ),
    "glcm": (
        "Autocorrelation", "ClusterProminence", "ClusterShade", "ClusterTendency", "Contrast", "Correlation",
        "DifferenceAverage", "DifferenceEntropy", "DifferenceVariance", "Id", "Idm", "Idmn", "Idn", "Imc1", "Imc2",
        "InverseVariance", "JointAverage", "JointEnergy", "JointEntropy", "MCC", "MaximumProbability", "SumAverage",
        "SumEntropy", "SumSquares",
    ),
    "glrlm": (
        "GrayLevelNonUniformity", "GrayLevelNonUniformityNormalized", "GrayLevelVariance", "HighGrayLevelRunEmphasis",
        "LongRunEmphasis", "LongRunHighGrayLevelEmphasis", "LongRunLowGrayLevelEmphasis", "LowGrayLevelRunEmphasis",
        "RunEntropy", "RunLengthNonUniformity", "RunLengthNonUniformityNormalized", "RunPercentage", "RunVariance",
        "ShortRunEmphasis", "ShortRunHighGrayLevelEmphasis", "ShortRunLowGrayLevelEmphasis",
    ),
    "glszm": (
        "GrayLevelNonUniformity", "GrayLevelNonUniformityNormalized", "GrayLevelVariance", "HighGrayLevelZoneEmphasis",
        "LargeAreaEmphasis", "LargeAreaHighGrayLevelEmphasis", "LargeAreaLowGrayLevelEmphasis",
        "LowGrayLevelZoneEmphasis", "SizeZoneNonUniformity", "SizeZoneNonUniformityNormalized", "SmallAreaEmphasis",
        "SmallAreaHighGrayLevelEmphasis", "SmallAreaLowGrayLevelEmphasis", "ZoneEntropy", "ZonePercentage",
        "ZoneVariance",
    ),
    "gldm": (
        "DependenceEntropy", "DependenceNonUniformity", "DependenceNonUniformityNormalized", "DependenceVariance",
        "GrayLevelNonUniformity", "GrayLevelVariance", "HighGrayLevelEmphasis", "LargeDependenceEmphasis",
        "LargeDependenceHighGrayLevelEmphasis", "LargeDependenceLowGrayLevelEmphasis", "LowGrayLevelEmphasis",
        "SmallDependenceEmphasis", "SmallDependenceHighGrayLevelEmphasis", "SmallDependenceLowGrayLevelEmphasis",
    ),
    "ngtdm": ("Busyness", "Coarseness", "Complexity", "Contrast", "Strength"),
}  # fmt: skip
"""93 features of the intensities, per image."""

PAPER = (
    "exponential_glcm_MCC", "squareroot_glcm_Imc1", "log-sigma-3-0-mm-3D_firstorder_TotalEnergy",
    "lbp-3D-m2_glrlm_RunLengthNonUniformity", "square_glcm_ClusterProminence", "wavelet-HHL_glcm_JointEnergy",
)  # fmt: skip
"""The six of paper 000, in pyradiomics' names."""


@dataclass(frozen=True, slots=True)
class ImageType:
    """One of pyradiomics' image types with its settings, and the names of the images it gives."""

    name: str
    images: tuple[str, ...]
    settings: Mapping[str, object] = field(default_factory=dict)


def _log(*sigmas: float) -> ImageType:
    """Laplacian of Gaussian; sigmas in millimetres."""
    names = tuple(f"log-sigma-{str(sigma).replace('.', '-')}-mm-3D" for sigma in sigmas)
    return ImageType("LoG", names, {"sigma": list(sigmas)})


ORIGINAL = ImageType("Original", ("original",))
WAVELET = ImageType("Wavelet", tuple(f"wavelet-{a}{b}{c}" for a in "LH" for b in "LH" for c in "LH"))
"""coif1, one level; the letters are the axes z, y, x."""
LBP_3D = ImageType("LBP3D", ("lbp-3D-m1", "lbp-3D-m2", "lbp-3D-k"))
_BASE = (
    ORIGINAL,
    WAVELET,
    ImageType("Square", ("square",)),
    ImageType("SquareRoot", ("squareroot",)),
    ImageType("Logarithm", ("logarithm",)),
    ImageType("Exponential", ("exponential",)),
)
_GRADIENT = ImageType("Gradient", ("gradient",))

PRESETS: Mapping[Preset, tuple[ImageType, ...]] = {
    "A": (*_BASE, _log(1.0, 3.0, 5.0), LBP_3D),
    "B": (*_BASE, _log(3.0), _GRADIENT, ImageType("LBP2D", ("lbp-2D",)), LBP_3D),
    "C": (*_BASE, _log(3.0, 5.0), _GRADIENT, LBP_3D),
}
"""Three sets of filters that give 1781 (methods 1.2). C leaves its sigmas open: the paper's 3, and 5 as in A."""


def feature_names(preset: Preset) -> tuple[str, ...]:
    """Return the 1781 names of a preset, in a fixed order."""
    shape = [f"original_shape_{feature}" for feature in SHAPE]
    images = [image for kind in PRESETS[preset] for image in kind.images]
    rest = [f"{image}_{group}_{name}" for image in images for group, found in CLASSES.items() for name in found]
    return (*shape, *rest)


def wanted_names(preset: Preset, names: Collection[str]) -> tuple[str, ...]:
    """Return what is to be measured, in the preset's order: ``names``, or everything where it is empty.

    Raises:
        InvalidInputError: If the preset has no feature of that name.
    """
    every = feature_names(preset)
    unknown = sorted(set(names) - set(every))
    if unknown:
        raise InvalidInputError("feature", f"{', '.join(unknown)}: not among the {len(every)} of preset {preset}")
    return tuple(name for name in every if name in set(names)) if names else every


def parts_of(name: str) -> tuple[str, str, str]:
    """Return a feature's image, class and name: ``wavelet-HHL``, ``glcm``, ``JointEnergy``."""
    image, group, feature = name.split("_")
    return image, group, feature
