"""Our settings as pyradiomics' parameter file, in one canonical text, and the text's sha256."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from shared.predictors.imaging import RadiomicsSettings
from shared.radiomics.names import CLASSES, PRESETS

PAD_VOXELS = 5
"""Voxels kept around the region when the image is resampled (pyradiomics' default ``padDistance``)."""


def parameter_file(settings: RadiomicsSettings) -> str:
    """Return the parameter file: JSON, which is YAML too, keys sorted; pyradiomics reads it as it stands.

    The same settings give the same text, so its sha256 names them.
    """
    tree = {
        "featureClass": dict.fromkeys(("shape", *CLASSES)),
        "imageType": {one.name: dict(one.settings) for one in PRESETS[settings.preset]},
        "setting": keywords(settings),
    }
    return json.dumps(tree, sort_keys=True, indent=1) + "\n"


def settings_sha256(settings: RadiomicsSettings) -> str:
    """Return the sha256 of the parameter file, in hexadecimal."""
    return hashlib.sha256(parameter_file(settings).encode()).hexdigest()


def keywords(settings: RadiomicsSettings) -> Mapping[str, Any]:
    """Return pyradiomics' ``setting`` section."""
    found: dict[str, Any] = {
        "additionalInfo": False,
        "force2D": False,
        "label": 1,
        "minimumROIDimensions": 3,
        "normalize": settings.normalise,
        "normalizeScale": settings.normalise_scale,
        "padDistance": PAD_VOXELS,
        "voxelArrayShift": _whole(settings.voxel_array_shift),
    }
    if settings.bin_count is None:
        found["binWidth"] = settings.bin_width
    else:
        found["binCount"] = settings.bin_count
    if settings.resampled_mm is not None:
        found["interpolator"] = "sitkBSpline"
        found["resampledPixelSpacing"] = list(settings.resampled_mm)
    return found


def _whole(value: float) -> float:
    """Return 300 for 300.0: pyradiomics' schema wants a whole number there."""
    return int(value) if value == int(value) else value
