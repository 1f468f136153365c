"""A small study in arrays, and the models and the engine that measure it: no file, no pixel of anybody."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.domain.errors import InvalidInputError
from shared.domain.images import PhaseRole, RegionOrigin, RejectedSeries
from shared.domain.prediction import BundleReference, IntendedUse, Outcome
from shared.imaging.dynamic import DynamicChoice, Phase
from shared.imaging.region import Acquisition, BreastImages, Region
from shared.imaging.volume import Frame, Grid, Mask, Volume
from shared.predictors.imaging import (
    ImagingContract,
    Look,
    NetworkContract,
    RadiomicsSettings,
    RadiomicsTerm,
    RadScore,
    SeenDistribution,
    SeenRange,
)
from shared.testing.cases import OUTCOME

SHAPE = (10, 24, 24)
FEATURES = {"original_firstorder_Mean": 2.0, "exponential_glcm_MCC": 0.5}
SEEN = SeenDistribution(
    (SeenRange("volume_mm3", 100.0, 900.0), SeenRange("field_tesla", 1.4, 3.1)), ("SIEMENS",),
    ("rad_score",), (0.0,), ((1.0,),), ((0.5, 0.6), (0.95, 2.0), (0.99, 2.6)),
)  # fmt: skip
SCORE = RadScore(
    RadiomicsSettings(), "engine-double 1", 0.1, tuple(RadiomicsTerm(name, 1.0, 2.0, 1.0) for name in FEATURES)
)
NETWORK = NetworkContract((1, 8, 8, 8), 0.25, "z-score", "layer3", (2, 2, 2), "network double")


def a_grid() -> Grid:
    """Return 10 slices of 24 x 24 pixels of 1 mm, 2 mm apart, on the patient's left."""
    affine = np.array([[0.0, 0, 1, 30], [0, 1, 0, -20], [2, 0, 0, 5], [0, 0, 0, 1]])
    frames = tuple(Frame(f"1.2.826.0.1.3680043.8.498.7.{number}") for number in range(SHAPE[0]))
    return Grid(SHAPE, affine, "1.2.826.0.1.3680043.8.498.8", frames)


def some_images(**changes: Any) -> BreastImages:
    """Return three phases with a bright block of 4 x 8 x 6 voxels, drawn by a person as a SEG."""
    grid = a_grid()
    bits = np.zeros(SHAPE, dtype=np.bool_)
    bits[3:7, 8:16, 10:16] = True
    pre, early, late = (
        Volume(np.where(bits, inside, 40.0).astype(np.float32), grid) for inside in (100.0, 260.0, 200.0)
    )
    region = Region(Mask(bits, grid), RegionOrigin.SEG, "manual, as the segmentation says", "a reader", "1.2.3.9", 1)
    phases = tuple(
        Phase("1.2.3.4", number, seconds, role, grid.frames)
        for number, seconds, role in ((1, None, PhaseRole.PRE), (2, 118.0, PhaseRole.EARLY), (3, 410.0, PhaseRole.LATE))
    )
    why = "one series with temporal positions; the phase at 118 s is nearest to 90 to 150 s"
    choice = DynamicChoice(phases, why, (RejectedSeries("1.2.3.5", "diffusion"),), ("no injection time is stated",))
    images = BreastImages(choice, early, region, pre, late, None, Acquisition("SIEMENS", 3.0, 118.0))
    return replace(images, **changes)


@dataclass(frozen=True)
class EngineDouble:
    """Gives every feature the number that stands in a table, and counts how often it was asked."""

    numbers: Mapping[str, float] = field(default_factory=lambda: FEATURES)
    version: str = "engine-double 1"
    trouble: str = ""
    asked: list[frozenset[str]] = field(default_factory=list)

    def measure(
        self, image: Volume, mask: Mask, settings: RadiomicsSettings, names: Collection[str] = ()
    ) -> Mapping[str, float]:
        """Return the numbers of ``names``; image and mask must lie on one grid, and the settings be the model's."""
        if not image.grid.same_place(mask.grid) or settings != SCORE.settings:
            raise AssertionError("asked with another grid, or other settings")
        if self.trouble:
            raise InvalidInputError("region", self.trouble)
        self.asked.append(frozenset(names))
        return {name: self.numbers[name] for name in names}


@dataclass(frozen=True)
class ImageModelDouble:
    """A model whose probability is stated; its network sees as much as the crop's mean tells it."""

    probability_stated: float = 0.7
    imaging: ImagingContract | None = field(default_factory=lambda: ImagingContract(SCORE, None, SEEN))
    bundle_id: str = "ln_pcr-clinical-radiomics-double"
    classifiers: tuple[str, ...] = ("logistic", "forest")
    outcome: Outcome = OUTCOME
    runtime: str = "double"
    precision: str = "float64"
    rows: list[tuple[str, Mapping[str, float]]] = field(default_factory=list)

    @property
    def reference(self) -> BundleReference:
        """Which bundle this is."""
        digest = (self.bundle_id.encode().hex() * 3)[:64]
        return BundleReference(self.bundle_id, "1.2.0", digest, IntendedUse.DEMONSTRATION)

    def score(self, features: Mapping[str, float]) -> float:
        """Return the stated probability."""
        return self.probability(features, self.classifiers[0])

    def scores(self, features: Mapping[str, float]) -> tuple[float, ...]:
        """Return it alone."""
        return (self.score(features),)

    def probability(self, features: Mapping[str, float], classifier: str) -> float:
        """Return the stated probability, and remember what it was asked."""
        self.rows.append((classifier, features))
        return self.probability_stated

    def look(self, crop: NDArray[np.float32]) -> Look:
        """Return a probability and a map with its peak in the first cell.

        Raises:
            ValueError: If the crop has another shape than the network's.
        """
        if crop.shape != NETWORK.input_shape:
            raise ValueError(f"a crop of {crop.shape}")
        heat = np.zeros((2, 2, 2), dtype=np.float32)
        heat[0, 0, 0], heat[1, 1, 1] = 3.0, -1.0
        return Look(0.81, heat, "network-double 1", "float32")


def a_network_model(probability: float = 0.7, **changes: Any) -> ImageModelDouble:
    """Return a model of the variant with a network."""
    model = ImageModelDouble(probability, ImagingContract(SCORE, NETWORK, SEEN), "ln_pcr-clinical-dlr-double")
    return replace(model, **changes)
