"""The first weights learned here, on CIFAR-100, where a user has it (paper 003: 200 epochs, everything learns)."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray

from services.model_factory.handlers.networks.examples import Inputs, parted
from services.model_factory.handlers.networks.inner_split import inner_validation
from services.model_factory.handlers.networks.keeping import Kept, carried_through, fingerprint
from services.model_factory.handlers.networks.loop import Run
from services.model_factory.handlers.networks.swin.cifar import CLASSES, LabelledPictures
from services.model_factory.handlers.networks.swin.network import new_swin
from services.model_factory.handlers.networks.swin.pretrained import FirstWeights
from services.model_factory.handlers.networks.swin.recipe import PatchRecipe
from services.model_factory.ports import Progress, States

EPOCHS = 200
MEAN, DEVIATION = 0.5, 0.25
"""Of grey in [0, 1], about what CIFAR-100 has; one number for all channels."""


def pretrained_on(
    pictures: LabelledPictures,
    recipe: PatchRecipe,
    seed: int,
    progress: Progress,
    states: States | None = None,
    epochs: int = EPOCHS,
) -> FirstWeights:
    """Train the recipe's architecture on the pictures, enlarged to its input; return its weights.

    Args:
        pictures: Of CIFAR-100, or shaped like it.
        recipe: Batch, rate and device are taken from it.
        seed: Weights, split and order follow from it.
        progress: Told after every epoch.
        states: Where the training is kept after every epoch, and gone on with.
        epochs: At most so many.
    """
    architecture = dataclasses.replace(recipe.architecture, classes=CLASSES)
    how = dataclasses.replace(recipe, architecture=architecture, epochs=epochs, patience=epochs, restored=True)
    names = [str(place) for place in range(len(pictures.labels))]
    validating = inner_validation(pictures.labels, names, 0.1, seed, grouped=False)
    inputs = Enlarged(pictures.pixels, architecture.side)
    learning, checking = parted(inputs, pictures.labels, validating)
    run = Run(how, seed, new_swin(architecture, seed), learning, checking)
    told = fingerprint(pictures.pixels, pictures.labels, (), (how, seed))
    carried_through(run, Kept(states, "pretraining", told), progress)
    weights = run.finished().state_dict()
    return FirstWeights(weights, f"pre-trained on CIFAR-100, sha256 {pictures.sha256}, {len(run.losses)} epochs")


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Enlarged:
    """Small pictures that become inputs when they are asked for."""

    pixels: NDArray[np.uint8]
    side: int

    def __getitem__(self, places: NDArray[np.intp]) -> Inputs:
        """Return (n, 3, side, side), bilinear, scaled."""
        some = torch.from_numpy((self.pixels[places] / np.float32(255) - MEAN) / DEVIATION).float()
        size = (self.side, self.side)
        enlarged = torch.nn.functional.interpolate(some, size, mode="bilinear", align_corners=False)
        values: Inputs = enlarged.numpy()
        return values
