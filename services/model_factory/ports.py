"""What a training run needs from outside: somewhere to keep finished pieces, and someone to tell how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Checkpoints(Protocol):
    """Finished pieces of a run, kept so that a run that was cut goes on where it was."""

    def get(self, key: str) -> Any | None:
        """Return the piece kept under ``key``, as plain JSON values; None where there is none."""
        ...

    def put(self, key: str, piece: Any) -> None:
        """Keep ``piece``; a cut in the middle leaves the old state."""
        ...


class States(Protocol):
    """What a training under way would need to go on after a cut: bytes by name."""

    def get(self, key: str) -> bytes | None:
        """Return the state kept under ``key``; None where there is none."""
        ...

    def put(self, key: str, state: bytes) -> None:
        """Keep ``state`` in place of the one before; a cut in the middle leaves that."""
        ...


class Steps(Protocol):
    """One stage that advances piece by piece."""

    def __call__(self) -> None:
        """One piece is done."""
        ...


class Progress(Protocol):
    """Who watches the run."""

    def stage(self, name: str, pieces: int) -> AbstractContextManager[Steps]:
        """Begin a stage of ``pieces`` pieces; call what is entered once for each."""
        ...


def over(pieces: int, steps: Steps) -> Iterator[int]:
    """Yield 0 .. ``pieces`` - 1 and tell ``steps`` after each."""
    for piece in range(pieces):
        yield piece
        steps()


class NetworkFit(Protocol):
    """A trained network."""

    def probability(self, crops: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of the positive class of every crop (n, channels, slices, rows, columns)."""
        ...

    def exported(self, golden: NDArray[np.float32], crops: NDArray[np.float32]) -> ExportedNetwork:
        """Return the graph for serving, with what it says of one crop (channels, slices, rows, columns).

        How far a narrower arithmetic is from float32 is measured on ``crops`` (n, channels, slices, rows, columns).
        """
        ...


class NetworkTrainer(Protocol):
    """Trains a network on crops; the patients it must not see are not among them."""

    def __call__(
        self, crops: NDArray[np.float32], event: NDArray[np.bool_], seed: int, name: str, steps: Steps
    ) -> NetworkFit:
        """Train; ``name`` tells the fits of a run apart, so that one that was cut goes on where it was."""
        ...


@dataclass(frozen=True, slots=True)
class ExportedNetwork:
    """The graph of a network, and what it says of one crop by ONNX Runtime."""

    graph: bytes
    architecture: str
    parameters: int
    input_shape: tuple[int, int, int, int]
    margin: float
    heat_layer: str
    heat_shape: tuple[int, int, int]
    epochs: int
    losses: tuple[tuple[float, float], ...]
    """(training, validation) per epoch."""
    probability: float
    heat_peak: tuple[int, int, int]
    tolerance: float
    precisions: tuple[tuple[str, float, int], ...] = ()
    """(arithmetic, max |difference of probability|, crops) of what may serve instead of float32, by measured drift."""


class Graphs(Protocol):
    """Files of a run that are no JSON."""

    def put(self, name: str, content: bytes) -> None:
        """Keep a file; it appears whole or not at all."""
        ...


class ForestGraph(Protocol):
    """Makes the graph of a random forest for serving."""

    def __call__(self, name: str, forest: Any, rows: NDArray[np.float64]) -> tuple[bytes, NDArray[np.float64]]:
        """Return the graph and what it says of ``rows``, by the runtime that serves it."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ExportedPatchNetwork:
    """The graph of a patch network, and what it says of some patches by ONNX Runtime."""

    graph: bytes
    architecture: str
    parameters: int
    pretrained: str
    """Where its first weights came from; empty: random."""
    frozen: int
    heat_cells: int
    probabilities: NDArray[np.float32]
    """(golden patches, 3)."""
    tolerance: float
    cheaper: tuple[tuple[str, bytes], ...] = ()
    """(file name, graph) of cheaper arithmetics that need a graph of their own."""
    precisions: tuple[tuple[str, str, float, int], ...] = ()
    """(arithmetic, file of its graph, largest difference of a patch's probability, slides) of what passed the gate."""


class PatchNetworkFit(Protocol):
    """A trained patch network; patches are (n, 3, side, side), prepared."""

    @property
    def losses(self) -> tuple[tuple[float, float], ...]:
        """(training, validation) per epoch."""
        ...

    @property
    def kept_epoch(self) -> int:
        """From 0: whose weights these are."""
        ...

    def predict(self, patches: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (n, 3): non-tumour, negative, positive."""
        ...

    def features(self, patches: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (n, channels)."""
        ...

    def exported(
        self, golden: NDArray[np.float32], slides: Sequence[Callable[[], NDArray[np.float32]]]
    ) -> ExportedPatchNetwork:
        """Return the graph for serving; ``slides``: all patches of whole slides, by which cheaper ones are judged."""
        ...


class PatchTrainer(Protocol):
    """Trains a patch network; the patients it must not see are not among them."""

    def __call__(
        self, patches: NDArray[Any], labels: NDArray[np.int64], patients: Sequence[str], seed: int, name: str
    ) -> PatchNetworkFit:
        """Train; ``name`` tells the fits of a run apart, so that one that was cut goes on where it was."""
        ...
