"""A trained network, whichever it is: how it came about, and its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from torch import nn

from services.model_factory.handlers.networks.keeping import weights_bytes
from services.model_factory.handlers.networks.loop import EpochLoss
from services.model_factory.handlers.networks.recipe import LoopRecipe

N = TypeVar("N", bound=nn.Module)
R = TypeVar("R", bound=LoopRecipe[Any])


@dataclass(frozen=True, slots=True, eq=False)
class Trained(Generic[N, R]):
    """What a training returns."""

    network: N
    recipe: R
    losses: tuple[EpochLoss, ...]
    best_epoch: int
    """From 0: whose weights these are."""
    seed: int
    patients: frozenset[str]
    """Whom it has seen, the inner validation patients included."""

    @property
    def architecture(self) -> str:
        """Return what a card says."""
        name: str = self.recipe.architecture.name
        return name

    @property
    def parameters(self) -> int:
        """Return the number of weights."""
        return parameter_count(self.network)

    def weights(self) -> bytes:
        """Return the weights as a file of torch, to begin from; ONNX is what serves."""
        return weights_bytes(self.network.state_dict())


def parameter_count(network: nn.Module) -> int:
    """Return the number of weights."""
    return sum(one.numel() for one in network.parameters())
