"""What was asked for: sizes, seed, variables; and the one digest that tells two runs apart."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np

from services.model_factory.handlers.cohort.typed import Source
from services.model_factory.handlers.training.presets import PRESETS, Recipe
from services.model_factory.handlers.training.stated import Preset, Provenance
from services.model_factory.handlers.training.targets import Target
from shared.domain.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Order:
    """One run as it was asked for."""

    target: Target
    preset: Preset
    seed: int = 1
    bootstraps: int = 100
    """Draws behind frequencies and optimism; 0: none are made."""
    folds: int = 5
    """Of the outer cross-validation."""
    repeats: int = 2
    """Of the outer cross-validation."""
    resamples: int = 1000
    """Behind intervals, cuts and their p values."""
    variables: tuple[str, ...] = ()
    """Named beforehand: the model is made of these whatever the selectors say."""

    def __post_init__(self) -> None:
        if self.folds < 2 or self.repeats < 1 or min(self.bootstraps, self.resamples, self.seed) < 0:
            raise InvalidInputError("order", "at least two folds and one repeat; no negative sizes")

    @property
    def recipe(self) -> Recipe:
        """Return the preset's recipe."""
        return PRESETS[self.preset]

    def random(self, *key: int) -> np.random.Generator:
        """Return the generator of one piece of the run; independent of what else was computed, and in which order."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))

    def provenance(self, sources: tuple[Source, ...], software: tuple[tuple[str, str], ...]) -> Provenance:
        """Return with what the run is made."""
        inputs = tuple((source.name, source.sha256) for source in sources)
        told = {
            "target": self.target.name, "preset": self.preset, "seed": self.seed, "bootstraps": self.bootstraps,
            "folds": self.folds, "repeats": self.repeats, "resamples": self.resamples, "variables": self.variables,
            "inputs": inputs, "software": software,
        }  # fmt: skip
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        return Provenance(
            recipe=self.target.name,
            preset=self.preset,
            seed=self.seed,
            bootstraps=self.bootstraps,
            folds=self.folds,
            inputs=inputs,
            inputs_digest=digest,
            software=software,
            steps=self.recipe.preparation.words,
        )
