"""What any training needs to be told, whichever network it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

from services.model_factory.handlers.training.stated import Preset

Arithmetic = Literal["float32", "bfloat16"]
"""Of the forward and backward pass; weights and their updates are float32 always."""
Schedule = Literal["constant", "cosine"]
Device = Literal["cpu", "cuda"]


class Shaped(Protocol):
    """Which network."""

    @property
    def name(self) -> str:
        """What a card says."""
        ...

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one example: (channels, ...)."""
        ...


A = TypeVar("A", bound=Shaped)


@dataclass(frozen=True, slots=True)
class LoopRecipe(Generic[A]):
    """Everything a training depends on, besides the examples and the seed."""

    preset: Preset
    architecture: A
    epochs: int
    """At most so many."""
    batch: int
    """Examples a step."""
    learning_rate: float = 1e-3
    """Of Adam."""
    schedule: Schedule = "constant"
    warm_up: float = 0.0
    """Epochs in which the rate rises from zero."""
    patience: int = 5
    """Epochs without a lower validation loss after which training stops."""
    inner_share: float = 0.2
    """Of the training patients: the validation loss is theirs. Never the held-out patients."""
    grouped: bool = False
    """All examples of a patient on one side of that split."""
    augmented: bool = False
    restored: bool = False
    """The weights of the epoch with the lowest validation loss are kept, not the last ones."""
    arithmetic: Arithmetic = "float32"
    device: Device = "cpu"
