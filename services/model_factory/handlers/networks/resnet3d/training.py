"""Train the network: on CPU or GPU, to be gone on with after a cut, the same again from the same seed (on a CPU)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from services.model_factory.handlers.networks.examples import parted, refuse_unfit
from services.model_factory.handlers.networks.inner_split import inner_validation
from services.model_factory.handlers.networks.keeping import Kept, carried_through, fingerprint
from services.model_factory.handlers.networks.loop import Run
from services.model_factory.handlers.networks.resnet3d.augmentation import Crops, augmented
from services.model_factory.handlers.networks.resnet3d.network import new_network
from services.model_factory.handlers.networks.resnet3d.recipe import NetworkRecipe
from services.model_factory.handlers.networks.resnet3d.trained import TrainedNetwork
from services.model_factory.ports import Progress, States

_CHANNELS_LAST: Any = torch.channels_last_3d


def train_network(
    crops: Crops,
    labels: NDArray[np.bool_],
    patients: Sequence[str],
    recipe: NetworkRecipe,
    seed: int,
    progress: Progress,
    states: States | None = None,
    name: str = "network",
) -> TrainedNetwork:
    """Train on the crops of a fold's training patients.

    Args:
        crops: (n, channels, 64, 64, 64) as ``shared.imaging.crops`` cuts them.
        labels: True: the positive class (axillary pCR).
        patients: Whose crop it is.
        recipe: How.
        seed: Weights, split, order and augmentation follow from it.
        progress: Told after every epoch.
        states: Where the training is kept after every epoch, and gone on with; None: nowhere.
        name: Of this training among the states.

    Raises:
        InvalidInputError: If the recipe asks for a GPU and torch has none.
        ValueError: If a class has fewer than two patients, or crops have another shape than the architecture takes.
    """
    refuse_unfit(crops, labels, patients, recipe)
    classes = labels.astype(np.int64)
    validating = inner_validation(classes, patients, recipe.inner_share, seed, grouped=recipe.grouped)
    learning, checking = parted(crops, classes, validating)
    altered = augmented if recipe.augmented else None
    # Channels last: several times faster for few channels on CPU, and what tensor cores want.
    run = Run(recipe, seed, new_network(recipe.architecture, seed), learning, checking, altered, _CHANNELS_LAST)
    carried_through(run, Kept(states, name, fingerprint(crops, classes, patients, (recipe, seed))), progress)
    return TrainedNetwork(run.finished(), recipe, tuple(run.losses), run.kept_epoch, seed, frozenset(patients))
