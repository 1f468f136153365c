"""One training under way: an epoch at a time, with everything it would need to go on."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from services.model_factory.handlers.networks.augmentation import Crops, augmented
from services.model_factory.handlers.networks.recipe import NetworkRecipe
from services.model_factory.handlers.networks.resnet3d import ResNet3D, new_network
from services.model_factory.handlers.networks.trained import AT_ONCE, EpochLoss, TrainedNetwork

Labels = NDArray[np.bool_]
LARGEST_LOSS = 1e6
"""A loss beyond this, or one that is no number, counts as this."""
_CHANNELS_LAST: Any = torch.channels_last_3d
_PLAIN: Any = torch.contiguous_format


@dataclass(frozen=True, slots=True, eq=False)
class CropSet:
    """Some of the crops, without a copy of them."""

    crops: Crops
    labels: Labels
    index: NDArray[np.intp]

    def batch(self, places: NDArray[np.intp]) -> tuple[Crops, NDArray[np.int64]]:
        """Return the crops at these places, and their classes."""
        chosen = self.index[places]
        return self.crops[chosen], self.labels[chosen].astype(np.int64)


@dataclass(slots=True, eq=False)
class Run:
    """A training under way."""

    recipe: NetworkRecipe
    seed: int
    learning: CropSet
    validating: CropSet
    losses: list[EpochLoss] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=dict)
    network: ResNet3D = field(init=False)
    adam: torch.optim.Adam = field(init=False)

    def __post_init__(self) -> None:
        made = new_network(self.recipe.architecture, self.seed)
        # Channels last: several times faster for few channels on CPU, and what tensor cores want.
        self.network = _laid_out(made, self.recipe.device, _CHANNELS_LAST)
        self.adam = torch.optim.Adam(self.network.parameters(), self.recipe.learning_rate)

    @property
    def best_epoch(self) -> int:
        """Return the epoch of the lowest validation loss, from 0; the first of several."""
        return int(np.argmin([one.validation for one in self.losses]))

    @property
    def over(self) -> bool:
        """Tell whether all epochs are done, or too many without a lower validation loss."""
        done = len(self.losses)
        return done >= self.recipe.epochs or (done > 0 and done - 1 - self.best_epoch >= self.recipe.patience)

    def epoch(self) -> None:
        """Learn from every crop once, then validate."""
        training = self._learn(np.random.default_rng([self.seed, 2, len(self.losses)]))
        self.losses.append(EpochLoss(training, self._validate()))
        if self.recipe.restored and self.best_epoch == len(self.losses) - 1:
            self.best = copy.deepcopy(self.network.state_dict())

    def trained(self, patients: frozenset[str]) -> TrainedNetwork:
        """Return the network with the weights the recipe keeps, on the CPU and in the usual layout."""
        if self.recipe.restored:
            self.network.load_state_dict(self.best)
        last = self.best_epoch if self.recipe.restored else len(self.losses) - 1
        network = _laid_out(self.network, "cpu", _PLAIN).eval()
        return TrainedNetwork(network, self.recipe, tuple(self.losses), last, self.seed, patients)

    def _learn(self, rng: np.random.Generator) -> float:
        self.network.train()
        total, batches = 0.0, list(_batches(len(self.learning.index), self.recipe.batch, rng))
        for number, places in enumerate(batches):
            self._set_rate(len(self.losses) + number / len(batches))
            crops, labels = self.learning.batch(places)
            crops = augmented(crops, rng) if self.recipe.augmented else crops
            running = [one.clone() for one in self.network.buffers()]
            loss = self._loss(crops, labels)
            self.adam.zero_grad()
            torch.autograd.backward(loss)
            if self._finite():
                self.adam.step()
            else:
                self._undo(running)
            total += _number(loss) * len(places)
        return total / sum(len(places) for places in batches)

    def _finite(self) -> bool:
        """Tell whether the gradient is a number: one step along one that is not, and no weight is a number again."""
        gradients = [one.grad for one in self.network.parameters() if one.grad is not None]
        return bool(torch.isfinite(torch.nn.utils.get_total_norm(gradients)))

    def _undo(self, running: list[torch.Tensor]) -> None:
        """Normalise by what was known before the batch."""
        for one, before in zip(self.network.buffers(), running, strict=True):
            one.copy_(before)

    def _set_rate(self, epochs: float) -> None:
        if self.recipe.schedule == "cosine":
            share = (1 + math.cos(math.pi * epochs / self.recipe.epochs)) / 2
            self.adam.param_groups[0]["lr"] = self.recipe.learning_rate * share

    def _validate(self) -> float:
        self.network.eval()
        n, total = len(self.validating.index), 0.0
        with torch.no_grad():
            for start in range(0, n, AT_ONCE):
                places = np.arange(start, min(start + AT_ONCE, n))
                total += _number(self._loss(*self.validating.batch(places))) * len(places)
        return total / n

    def _loss(self, crops: Crops, labels: NDArray[np.int64]) -> torch.Tensor:
        device = self.recipe.device
        x = torch.from_numpy(crops).to(device, memory_format=_CHANNELS_LAST)
        with torch.autocast(device, torch.bfloat16, enabled=self.recipe.arithmetic == "bfloat16"):
            logits = self.network(x)
        return cross_entropy(logits.float(), torch.from_numpy(labels).to(device))


def _batches(n: int, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """All places in random order; a last batch of one is left out: it has no variance to normalise by."""
    order = rng.permutation(n)
    for start in range(0, n, size):
        places = order[start : start + size]
        if len(places) > 1 or n == 1:
            yield places


def _laid_out(network: ResNet3D, device: str, layout: Any) -> ResNet3D:
    moved: Any = network.to(device)
    made: ResNet3D = moved.to(memory_format=layout)
    return made


def _number(loss: torch.Tensor) -> float:
    found = float(loss.detach())
    return min(found, LARGEST_LOSS) if math.isfinite(found) else LARGEST_LOSS
