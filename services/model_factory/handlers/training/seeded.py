"""What orders of runs have in common: every piece has a generator of its own, and the run says with what it is made."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from services.model_factory.handlers.cohort.typed import Source
from services.model_factory.handlers.training.stated import Preset, Provenance


class SeededOrder:
    """One run as it was asked for; a dataclass derives from it."""

    __slots__ = ()
    preset: Preset
    seed: int
    folds: int

    def random(self, key: str) -> np.random.Generator:
        """Return the generator of one piece of the run; independent of what else was computed, and in which order."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(zlib.crc32(key.encode()),)))

    def number(self, key: str) -> int:
        """Return a seed for a library that takes a whole number."""
        return int(self.random(key).integers(2**31 - 1))


def made_with(
    order: SeededOrder, target: str, told: Mapping[str, Any], sources: tuple[Source, ...],
    software: tuple[tuple[str, str], ...], steps: tuple[str, ...],
) -> Provenance:  # fmt: skip
    """Return with what a run is made; ``told``: the order and everything else that its results depend on."""
    inputs = tuple((source.name, source.sha256) for source in sources)
    whole = {"target": target, **told, "inputs": inputs, "software": software}
    digest = hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()
    return Provenance(target, order.preset, order.seed, 0, order.folds, inputs, digest, software, steps)
