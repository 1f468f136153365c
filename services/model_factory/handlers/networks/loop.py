"""One training under way: an epoch at a time, with everything it would need to go on."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import cross_entropy

from services.model_factory.handlers.networks.examples import Classes, ExampleSet, Inputs
from services.model_factory.handlers.networks.recipe import LoopRecipe

Altered = Callable[[Inputs, np.random.Generator], Inputs]
"""Gives a batch as it might have been."""
LARGEST_LOSS = 1e6
"""A loss beyond this, or one that is no number, counts as this."""
AT_ONCE = 16
"""Examples in one forward pass that nothing is learned from."""
_PLAIN: Any = torch.contiguous_format
N = TypeVar("N", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class EpochLoss:
    """Cross-entropy of one epoch: mean over what was learned from (as augmented), and over what validates."""

    training: float
    validation: float


@dataclass(slots=True, eq=False)
class Run(Generic[N]):
    """A training under way."""

    recipe: LoopRecipe[Any]
    seed: int
    network: N
    learning: ExampleSet
    validating: ExampleSet
    altered: Altered | None = None
    layout: Any = _PLAIN
    """Memory format of weights and inputs."""
    class_weights: tuple[float, ...] | None = None
    losses: list[EpochLoss] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=dict)
    adam: torch.optim.Adam = field(init=False)

    def __post_init__(self) -> None:
        self.network = _laid_out(self.network, self.recipe.device, self.layout)
        learned = [one for one in self.network.parameters() if one.requires_grad]
        self.adam = torch.optim.Adam(learned, self.recipe.learning_rate)

    @property
    def best_epoch(self) -> int:
        """Return the epoch of the lowest validation loss, from 0; the first of several."""
        return int(np.argmin([one.validation for one in self.losses]))

    @property
    def kept_epoch(self) -> int:
        """Return the epoch whose weights the recipe keeps."""
        return self.best_epoch if self.recipe.restored else len(self.losses) - 1

    @property
    def over(self) -> bool:
        """Tell whether all epochs are done, or too many without a lower validation loss."""
        done = len(self.losses)
        return done >= self.recipe.epochs or (done > 0 and done - 1 - self.best_epoch >= self.recipe.patience)

    def epoch(self) -> None:
        """Learn from every example once, then validate."""
        training = self._learn(np.random.default_rng([self.seed, 2, len(self.losses)]))
        self.losses.append(EpochLoss(training, self._validate()))
        if self.recipe.restored and self.best_epoch == len(self.losses) - 1:
            self.best = copy.deepcopy(self.network.state_dict())

    def finished(self) -> N:
        """Return the network with the weights the recipe keeps, on the CPU and in the usual layout."""
        if self.recipe.restored:
            self.network.load_state_dict(self.best)
        return _laid_out(self.network, "cpu", _PLAIN).eval()

    def _learn(self, rng: np.random.Generator) -> float:
        self.network.train()
        total, batches = 0.0, list(_batches(len(self.learning.index), self.recipe.batch, rng))
        for number, places in enumerate(batches):
            self._set_rate(len(self.losses) + number / len(batches))
            inputs, labels = self.learning.batch(places)
            inputs = self.altered(inputs, rng) if self.altered else inputs
            running = [one.clone() for one in self.network.buffers()]
            loss = self._loss(inputs, labels)
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
        self.adam.param_groups[0]["lr"] = self.recipe.learning_rate * rate_share(self.recipe, epochs)

    def _validate(self) -> float:
        self.network.eval()
        n, total = len(self.validating.index), 0.0
        with torch.no_grad():
            for start in range(0, n, AT_ONCE):
                places = np.arange(start, min(start + AT_ONCE, n))
                total += _number(self._loss(*self.validating.batch(places))) * len(places)
        return total / n

    def _loss(self, inputs: Inputs, labels: Classes) -> torch.Tensor:
        device = self.recipe.device
        x = torch.from_numpy(np.ascontiguousarray(inputs)).to(device, memory_format=self.layout)
        with torch.autocast(device, torch.bfloat16, enabled=self.recipe.arithmetic == "bfloat16"):
            logits = self.network(x)
        weights = None if self.class_weights is None else torch.tensor(self.class_weights, device=device)
        return cross_entropy(logits.float(), torch.from_numpy(labels).to(device), weights)


def rate_share(recipe: LoopRecipe[Any], epochs: float) -> float:
    """Return the share of the learning rate after so many epochs."""
    rising = min(1.0, epochs / recipe.warm_up) if recipe.warm_up > 0 else 1.0
    if recipe.schedule == "cosine":
        return rising * (1 + math.cos(math.pi * epochs / recipe.epochs)) / 2
    return rising


def _batches(n: int, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """All places in random order; a last batch of one is left out: it has no variance to normalise by."""
    order = rng.permutation(n)
    for start in range(0, n, size):
        places = order[start : start + size]
        if len(places) > 1 or n == 1:
            yield places


def _laid_out(network: N, device: str, layout: Any) -> N:
    moved: Any = network.to(device)
    made: N = moved.to(memory_format=layout)
    return made


def _number(loss: torch.Tensor) -> float:
    found = float(loss.detach())
    return min(found, LARGEST_LOSS) if math.isfinite(found) else LARGEST_LOSS
