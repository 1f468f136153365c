"""Train the patch network: to be gone on with after a cut, the same again from the same seed (on a CPU)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.networks.examples import parted, refuse_unfit
from services.model_factory.handlers.networks.inner_split import inner_validation
from services.model_factory.handlers.networks.keeping import Kept, carried_through, fingerprint
from services.model_factory.handlers.networks.loop import Run
from services.model_factory.handlers.networks.swin.augmentation import StainSpace, altered
from services.model_factory.handlers.networks.swin.looking import Patches
from services.model_factory.handlers.networks.swin.network import SwinTransformer, new_swin
from services.model_factory.handlers.networks.swin.pretrained import FirstWeights
from services.model_factory.handlers.networks.swin.recipe import PatchRecipe
from services.model_factory.handlers.networks.swin.trained import TrainedPatchNetwork
from services.model_factory.ports import Progress, States
from shared.pathology.patch_table import NEGATIVE


def train_patch_network(
    patches: Patches,
    labels: NDArray[np.int64],
    patients: Sequence[str],
    recipe: PatchRecipe,
    seed: int,
    progress: Progress,
    space: StainSpace,
    first: FirstWeights | None = None,
    states: States | None = None,
    name: str = "patches",
) -> TrainedPatchNetwork:
    """Train on the patches of a fold's training patients.

    Args:
        patches: (n, 3, side, side), prepared; may be a memory map, of float32 or float16.
        labels: NON_TUMOUR, NEGATIVE or POSITIVE of ``shared/pathology/patch_table.py``.
        patients: Whose patch it is.
        recipe: How.
        seed: Weights, split, order and augmentation follow from it.
        progress: Told after every epoch.
        space: How the patches were prepared: what "another stain" means to the augmentation.
        first: Weights to begin from; None: random ones, and nothing is frozen.
        states: Where the training is kept after every epoch, and gone on with; None: nowhere.
        name: Of this training among the states.

    Raises:
        InvalidInputError: If the recipe asks for a GPU and torch has none.
        ValueError: If a class has fewer than two patients, or patches have another shape than the network takes.
    """
    refuse_unfit(patches, labels, patients, recipe)
    network, frozen = _begun(recipe, seed, first)
    # A patient is of the class of the tumour: everyone has non-tumour patches.
    units = np.maximum(labels, NEGATIVE) if recipe.grouped else labels
    validating = inner_validation(units, patients, recipe.inner_share, seed, grouped=recipe.grouped)
    learning, checking = parted(patches, labels, validating)
    change = partial(altered, space=space) if recipe.augmented else None
    weights = _weights(labels[~validating], recipe.architecture.classes) if recipe.balanced else None
    run = Run(recipe, seed, network, learning, checking, change, class_weights=weights)
    source = first.source if first else ""
    carried_through(
        run, Kept(states, name, fingerprint(patches, labels, patients, (recipe, seed, space, source))), progress
    )
    return TrainedPatchNetwork(
        run.finished(), recipe, tuple(run.losses), run.kept_epoch, seed, frozenset(patients), source, frozen
    )


def _begun(recipe: PatchRecipe, seed: int, first: FirstWeights | None) -> tuple[SwinTransformer, int]:
    """Return the network to be trained, and how many of its stages are frozen."""
    network = new_swin(recipe.architecture, seed)
    if first is None:
        return network, 0
    first.into(network)
    if recipe.frozen:
        bottom = (network.embed, network.embed_norm, *list(network.stages)[: recipe.frozen])
        for part in bottom:
            part.requires_grad_(requires_grad=False)
    return network, recipe.frozen


def _weights(labels: NDArray[np.int64], classes: int) -> tuple[float, ...]:
    """Return one weight a class, so that each weighs the same and the mean example weighs 1; 0 for a missing class."""
    counts = np.bincount(labels, minlength=classes)
    present = counts > 0
    weights = np.where(present, counts.sum() / (present.sum() * np.maximum(counts, 1)), 0.0)
    return tuple(float(one) for one in weights)
