"""What any training needs to be told, whichever network it is."""

from __future__ import annotations

from typing import Literal, Protocol

Arithmetic = Literal["float32", "bfloat16"]
"""Of the forward and backward pass; weights and their updates are float32 always."""
Schedule = Literal["constant", "cosine"]
Device = Literal["cpu", "cuda"]


class LoopRecipe(Protocol):
    """How an epoch is learned, and when it is enough."""

    @property
    def epochs(self) -> int:
        """At most so many."""
        ...

    @property
    def batch(self) -> int:
        """Examples a step."""
        ...

    @property
    def learning_rate(self) -> float:
        """Of Adam."""
        ...

    @property
    def schedule(self) -> Schedule:
        """How the rate falls."""
        ...

    @property
    def warm_up(self) -> float:
        """Epochs in which the rate rises from zero."""
        ...

    @property
    def patience(self) -> int:
        """Epochs without a lower validation loss after which training stops."""
        ...

    @property
    def restored(self) -> bool:
        """The weights of the epoch with the lowest validation loss are kept, not the last ones."""
        ...

    @property
    def arithmetic(self) -> Arithmetic:
        """Of both passes."""
        ...

    @property
    def device(self) -> Device:
        """Where."""
        ...
