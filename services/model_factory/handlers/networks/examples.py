"""What a network learns from and what validates it, without copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from services.model_factory.handlers.networks.recipe import LoopRecipe
from shared.domain.errors import InvalidInputError

Inputs = NDArray[np.float32]
"""(n, channels, ...), on disk or in memory; whatever floating type they are kept in."""
Classes = NDArray[np.int64]


class Examples(Protocol):
    """Inputs that may be made, or read, when they are asked for; an array is one."""

    def __getitem__(self, places: NDArray[np.intp], /) -> Inputs:
        """Return those at these places."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ExampleSet:
    """Some of the examples, without a copy of them."""

    inputs: Examples
    labels: Classes
    index: NDArray[np.intp]

    def batch(self, places: NDArray[np.intp]) -> tuple[Inputs, Classes]:
        """Return the inputs at these places as float32, and their classes."""
        chosen = self.index[places]
        return np.asarray(self.inputs[chosen], dtype=np.float32), self.labels[chosen]


def refuse_unfit(inputs: NDArray[Any], labels: NDArray[Any], patients: Sequence[str], recipe: LoopRecipe[Any]) -> None:
    """Refuse what cannot be learned from here.

    Raises:
        InvalidInputError: If the recipe asks for a GPU and torch has none.
        ValueError: If inputs have another shape than the network takes, or not each a label and a patient.
    """
    shape = recipe.architecture.input_shape
    if inputs.shape[1:] != shape or not len(inputs) == len(labels) == len(patients):
        raise ValueError(f"the network takes inputs of {shape}, with a label and a patient each")
    if recipe.device == "cuda" and not torch.cuda.is_available():
        raise InvalidInputError("device", "torch has no GPU here; train on the CPU")


def parted(inputs: Examples, labels: Classes, validating: NDArray[np.bool_]) -> tuple[ExampleSet, ExampleSet]:
    """Return what is learned from, and what validates."""
    return ExampleSet(inputs, labels, np.flatnonzero(~validating)), ExampleSet(
        inputs, labels, np.flatnonzero(validating)
    )
