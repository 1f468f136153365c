"""What was asked for, and the one digest that tells two runs on images apart."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from services.model_factory.handlers.cohort.typed import Source
from services.model_factory.handlers.imaged.classifiers import TREES
from services.model_factory.handlers.selection.screening import PAPER_FEATURES
from services.model_factory.handlers.training.stated import Preset, Provenance
from shared.domain.errors import InvalidInputError

TARGET, EVENT = "ln_pcr", "axillary_pcr"
ACTION = "de-escalate axillary surgery: targeted axillary dissection instead of full dissection"
"""What would be done for a patient whose probability of axillary pCR reaches the threshold."""
HELD_OUT_SHARE = 0.3
"""Paper 000: 315 and 132 of 447."""

Features = Literal["screened", "paper"]


@dataclass(frozen=True, slots=True)
class ImagedOrder:
    """One run as it was asked for."""

    preset: Preset
    seed: int = 1
    folds: int = 5
    """Of the cross-validation, and of the scores out-of-fold within it."""
    split_folds: int = 5
    """Of the scores out-of-fold within the 70 % of the split; 0: the corrected way is judged by the folds alone."""
    resamples: int = 1000
    trees: int = TREES
    features: Features = "screened"
    """``paper``: the six features the paper names, not screened."""

    def __post_init__(self) -> None:
        least = min(self.folds, self.split_folds or self.folds)
        if least < 3 or self.trees < 1 or min(self.resamples, self.seed) < 0:
            raise InvalidInputError("order", "at least three folds and one tree; no negative sizes")

    @property
    def named(self) -> tuple[str, ...]:
        """Return the features named beforehand; none where they are screened."""
        return PAPER_FEATURES if self.features == "paper" else ()

    def random(self, key: str) -> np.random.Generator:
        """Return the generator of one piece of the run; independent of what else was computed, and in which order."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(zlib.crc32(key.encode()),)))

    def number(self, key: str) -> int:
        """Return a seed for a library that takes a whole number."""
        return int(self.random(key).integers(2**31 - 1))

    def provenance(
        self, sources: tuple[Source, ...], software: tuple[tuple[str, str], ...], images: Mapping[str, Any]
    ) -> Provenance:
        """Return with what the run is made; ``images``: how they are measured, and the network's training."""
        inputs = tuple((source.name, source.sha256) for source in sources)
        told = {"target": TARGET, **asdict(self), "images": images, "inputs": inputs, "software": software}
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        return Provenance(TARGET, self.preset, self.seed, 0, self.folds, inputs, digest, software, _STEPS)


_STEPS = (
    "patients whose ER, HER2 (0, low, 3) or T is not known are left out; nothing is filled in",
    "radiomic features as measured; standardised within the fold",
    "the score of the features and the network's probability are out-of-fold for every row a model learns from",
)
