"""What was measured in the images of a cohort, one row per patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.cohort.typed import Numbers
from shared.predictors.imaging import RadiomicsSettings

Crops = NDArray[np.float32]
"""(patients, channels, slices, rows, columns), z-scored."""


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredStudy:
    """One patient's images in numbers."""

    features: Numbers
    second: Numbers | None
    """Of the second mask."""
    crop: NDArray[np.float32]
    quantities: Mapping[str, float]
    manufacturer: str


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredImages:
    """All patients of a cohort, in its order."""

    names: tuple[str, ...]
    """Radiomic features."""
    values: Numbers
    """(patients, features)."""
    second: Numbers | None
    """(patients, features) of the second masks, NaN for who has none; None where nobody has."""
    crops: Crops
    quantities: Mapping[str, Numbers]
    manufacturers: tuple[str, ...]
    settings: RadiomicsSettings
    settings_sha256: str
    engine: str


@dataclass(frozen=True, slots=True)
class HowMeasured:
    """By what, and with which settings."""

    names: tuple[str, ...]
    settings: RadiomicsSettings
    settings_sha256: str
    engine: str


def together(studies: list[MeasuredStudy], how: HowMeasured) -> MeasuredImages:
    """Return the studies as one table."""
    seconds = [one.second for one in studies]
    nobody = np.full(len(how.names), np.nan)
    return MeasuredImages(
        how.names,
        np.stack([one.features for one in studies]),
        None if all(one is None for one in seconds) else np.stack([nobody if s is None else s for s in seconds]),
        np.stack([one.crop for one in studies]),
        {name: np.array([one.quantities.get(name, np.nan) for one in studies]) for name in _named(studies)},
        tuple(one.manufacturer for one in studies),
        how.settings,
        how.settings_sha256,
        how.engine,
    )


def _named(studies: list[MeasuredStudy]) -> list[str]:
    """Return every quantity that some study tells, in a steady order."""
    return sorted({name for one in studies for name in one.quantities})
