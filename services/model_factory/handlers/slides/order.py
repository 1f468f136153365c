"""What was asked for, and the one digest that tells two runs on slides apart."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from services.model_factory.handlers.cohort.typed import Source
from services.model_factory.handlers.comparators.fitting import Method, MilRecipe
from services.model_factory.handlers.training.stated import Preset, Provenance
from shared.domain.errors import InvalidInputError
from shared.domain.slides import AreaReading, Cropping, Rounding
from shared.predictors.her2.scale import NAME as TARGET

HELD_OUT_SHARE = 0.2
"""Paper 003: 35 of 175 slides of TCGA."""
TL, RESNET50 = "tl", "resnet50"
COMPARATORS: Mapping[str, tuple[str, Method]] = {
    "tl_clam": (TL, "clam"),
    "tl_slidegraph": (TL, "slidegraph"),
    "resnet50_clam": (RESNET50, "clam"),
    "resnet50_slidegraph": (RESNET50, "slidegraph"),
}
"""Name -> features, method."""
TL_PA = "tl_pa"


@dataclass(frozen=True, slots=True)
class SlidesOrder:
    """One run as it was asked for."""

    preset: Preset
    seed: int = 1
    folds: int = 5
    """Of the cross-validation under ``corrected``; ``paper`` has one split."""
    single: bool = False
    """True: only the first fold is learned; its network is kept and is judged on the patients left out."""
    resamples: int = 1000
    cropping: Cropping = Cropping.MICROMETRES
    """Which grid makes the score that is judged and calibrated."""
    area_reading: AreaReading = AreaReading.TUMOUR
    rounding: Rounding = Rounding.FLOOR
    both_croppings: int = 40
    """So many slides, the first judged ones, are cut by the other rule as well; 0: none."""
    comparators: tuple[str, ...] = ("tl_clam", "tl_slidegraph", "resnet50_clam")
    mil: MilRecipe = field(default_factory=MilRecipe)

    def __post_init__(self) -> None:
        if self.folds < 2 or self.resamples < 1 or min(self.seed, self.both_croppings) < 0:
            raise InvalidInputError("order", "at least two folds and one resample; no negative sizes")
        strange = sorted(set(self.comparators) - set(COMPARATORS))
        if strange:
            raise InvalidInputError("comparators", f"{strange[0]!r} is unknown; known are {', '.join(COMPARATORS)}")

    @property
    def one_network(self) -> bool:
        """Tell whether the network that judges is the one that is kept, as in the paper."""
        return self.single or self.preset == "paper"

    def random(self, key: str) -> np.random.Generator:
        """Return the generator of one piece of the run; independent of what else was computed, and in which order."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(zlib.crc32(key.encode()),)))

    def number(self, key: str) -> int:
        """Return a seed for a library that takes a whole number."""
        return int(self.random(key).integers(2**31 - 1))

    def provenance(
        self, sources: tuple[Source, ...], software: tuple[tuple[str, str], ...], slides: Mapping[str, Any]
    ) -> Provenance:
        """Return with what the run is made; ``slides``: how they are cut, and the network's training."""
        inputs = tuple((source.name, source.sha256) for source in sources)
        told = {"target": TARGET, **asdict(self), "slides": slides, "inputs": inputs, "software": software}
        digest = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()
        return Provenance(TARGET, self.preset, self.seed, 0, self.folds, inputs, digest, software, _STEPS)


_STEPS = (
    "slides whose resolution, tissue or file fails the gate of use are left out; nothing is filled in",
    "stains of every slide fitted on itself and brought to one fixed reference; no slide learns from another",
    "patches in annotated tumour carry the slide's label (HER2 by IHC/ISH), the others are non-tumour (paper 003)",
    "a slide without tumour patches has no score and is counted, never scored 0",
)
