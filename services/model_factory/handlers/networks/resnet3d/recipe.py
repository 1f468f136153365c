"""The two ways to train the network: as paper 000 says, and as it should have been done."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.model_factory.handlers.networks.recipe import LoopRecipe
from services.model_factory.handlers.networks.resnet3d.architecture import Architecture
from services.model_factory.handlers.training.stated import Preset


@dataclass(frozen=True, slots=True)
class NetworkRecipe(LoopRecipe[Architecture]):
    """How the network of crops is trained; the numbers are those of paper 000."""

    architecture: Architecture = field(default_factory=Architecture)
    epochs: int = 30
    batch: int = 64


NETWORK_RECIPES: Mapping[Preset, NetworkRecipe] = {
    # Adam 0.001, cross-entropy, 30 epochs, batch 64, early stopping (methods 1.1; the share is ours, 1.2).
    "paper": NetworkRecipe("paper"),
    # 315 patients at batch 64 are 150 steps in 30 epochs (P0-15): smaller batches, and a rate that falls.
    "corrected": NetworkRecipe(
        "corrected", batch=16, schedule="cosine", patience=30, grouped=True, augmented=True, restored=True
    ),
}
"""Of the full network (46.16 M parameters): for a GPU."""

DEMONSTRATION = Architecture(width=8, stem_stride=2, strides=(1, 2, 1, 1))
"""Reduced width, and a last map of 8 x 8 x 8 cells instead of 2 x 2 x 2, which can say where (P0-16)."""


def demonstration(preset: Preset) -> NetworkRecipe:
    """Return the recipe of the demonstration network: a fit of 300 crops costs three to four minutes of one core."""
    return dataclasses.replace(NETWORK_RECIPES[preset], architecture=DEMONSTRATION, arithmetic="bfloat16")
