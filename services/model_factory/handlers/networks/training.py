"""Train the network: on CPU or GPU, to be gone on with after a cut, the same again from the same seed (on a CPU)."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from services.model_factory.handlers.networks.augmentation import Crops
from services.model_factory.handlers.networks.inner_split import inner_validation
from services.model_factory.handlers.networks.recipe import NetworkRecipe
from services.model_factory.handlers.networks.run import CropSet, Labels, Run
from services.model_factory.handlers.networks.trained import EpochLoss, TrainedNetwork
from services.model_factory.ports import Progress, States, Steps
from shared.domain.errors import InvalidInputError


def train_network(
    crops: Crops,
    labels: Labels,
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
    if crops.shape[1:] != recipe.architecture.input_shape or not len(crops) == len(labels) == len(patients):
        raise ValueError(f"crops of {recipe.architecture.input_shape}, with a label and a patient each")
    if recipe.device == "cuda" and not torch.cuda.is_available():
        raise InvalidInputError("device", "torch has no GPU here; train on the CPU")
    validating = inner_validation(labels, patients, recipe.inner_share, seed, grouped=recipe.grouped)
    learning, checking = (CropSet(crops, labels, np.flatnonzero(chosen)) for chosen in (~validating, validating))
    run = Run(recipe, seed, learning, checking)
    kept = _Kept(states, name, _fingerprint(crops, labels, patients, recipe, seed))
    kept.restore(run)
    with progress.stage(f"{name}: epochs", recipe.epochs) as steps:
        _tell(steps, len(run.losses))
        while not run.over:
            run.epoch()
            kept.keep(run)
            steps()
        _tell(steps, recipe.epochs - len(run.losses))
    return run.trained(frozenset(patients))


def _tell(steps: Steps, times: int) -> None:
    for _ in range(times):
        steps()


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where a training is kept after every epoch."""

    states: States | None
    name: str
    fingerprint: str

    def keep(self, run: Run) -> None:
        if self.states is None:
            return
        stream = io.BytesIO()
        losses = [(one.training, one.validation) for one in run.losses]
        torch.save(
            {
                "fingerprint": self.fingerprint, "losses": losses, "network": run.network.state_dict(),
                "adam": run.adam.state_dict(), "best": run.best,
            },
            stream,
        )  # fmt: skip
        self.states.put(self.name, stream.getvalue())

    def restore(self, run: Run) -> None:
        """Go on where it was; a state of other crops, another recipe or seed is not touched until it is replaced."""
        kept = self.states.get(self.name) if self.states else None
        if kept is None:
            return
        state = torch.load(io.BytesIO(kept), weights_only=True, map_location=run.recipe.device)
        if state["fingerprint"] != self.fingerprint:
            return
        run.losses.extend(EpochLoss(*pair) for pair in state["losses"])
        run.best = state["best"]
        run.network.load_state_dict(state["network"])
        run.adam.load_state_dict(state["adam"])


def _fingerprint(crops: Crops, labels: Labels, patients: Sequence[str], recipe: NetworkRecipe, seed: int) -> str:
    digest = hashlib.sha256(repr((recipe, seed, crops.shape, tuple(patients))).encode())
    digest.update(np.packbits(labels).tobytes())
    digest.update(crops.sum(axis=(1, 2, 3, 4), dtype=np.float64).tobytes())
    return digest.hexdigest()
