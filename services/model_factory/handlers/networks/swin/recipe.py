"""The two ways to train the patch network: as paper 003 says, and as it should have been done."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.model_factory.handlers.networks.recipe import LoopRecipe
from services.model_factory.handlers.networks.swin.architecture import SwinArchitecture
from services.model_factory.handlers.training.stated import Preset


@dataclass(frozen=True, slots=True)
class PatchRecipe(LoopRecipe[SwinArchitecture]):
    """How the patch network is trained, begun from the first weights; the numbers are those of paper 003.

    It states no learning rate, and stops "when the loss plateaus". ``augmented``: patches turned and mirrored, their
    stains stronger, weaker, and of another colour.
    """

    architecture: SwinArchitecture = field(default_factory=SwinArchitecture)
    epochs: int = 20
    batch: int = 128
    balanced: bool = False
    """Every class weighs the same in the loss."""
    frozen: int = 2
    """Stages that keep the weights they came with, from the bottom, the embedding included; 0: nothing is frozen. The
    paper says "the bottom". Random weights are never frozen."""


PATCH_RECIPES: Mapping[Preset, PatchRecipe] = {
    # 20 epochs until the loss plateaus, Adam, batch 128, cross-entropy (methods.md, paper 3).
    "paper": PatchRecipe("paper"),
    "corrected": PatchRecipe(
        "corrected", learning_rate=3e-4, schedule="cosine", warm_up=1.0, grouped=True, augmented=True, balanced=True,
        restored=True,
    ),
}  # fmt: skip
"""Of the full network (27.5 M parameters): for a GPU."""

DEMONSTRATION = SwinArchitecture(width=24, depths=(1, 1, 2, 1), heads=(2, 4, 8, 8), window=4, side=64)
"""Reduced size: a token is 4 pixels, 4 micrometres of a patch of 64; the last map has 2 x 2 cells."""


def demonstration(preset: Preset) -> PatchRecipe:
    """Return the recipe of the demonstration network: begun from random weights, some minutes of one core."""
    return dataclasses.replace(
        PATCH_RECIPES[preset], architecture=DEMONSTRATION, batch=24, learning_rate=7e-4, frozen=0,
        epochs=8, schedule="cosine", warm_up=0.5, patience=8, restored=True, arithmetic="bfloat16",
    )  # fmt: skip
