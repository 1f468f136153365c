"""The patch network of ``handlers/networks/swin`` as the port a run on slides asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.networks.parity import PROBABILITY_TOLERANCE
from services.model_factory.handlers.networks.swin.augmentation import StainSpace
from services.model_factory.handlers.networks.swin.gate import LEAST_SLIDES, Gate, measured_gate
from services.model_factory.handlers.networks.swin.pretrained import FirstWeights
from services.model_factory.handlers.networks.swin.quantising import eight_bit
from services.model_factory.handlers.networks.swin.recipe import PatchRecipe
from services.model_factory.handlers.networks.swin.trained import TrainedPatchNetwork
from services.model_factory.handlers.networks.swin.training import train_patch_network
from services.model_factory.handlers.slides.run import GRAPH_FILE
from services.model_factory.ports import ExportedPatchNetwork, Progress, States
from shared.bundles.runtimes.opening import open_network
from shared.bundles.runtimes.port import Engine, Precision, RuntimeChoice, RuntimeMissingError
from shared.pathology.patch_contract import PatchContract

_HALF: Any = np.float16
EIGHT_BIT_FILE = "patches-int8.onnx"


@dataclass(frozen=True, slots=True)
class SwinFit:
    """A patch network torch has trained."""

    trained: TrainedPatchNetwork

    @property
    def losses(self) -> tuple[tuple[float, float], ...]:
        """Return (training, validation) per epoch."""
        return tuple((one.training, one.validation) for one in self.trained.losses)

    @property
    def kept_epoch(self) -> int:
        """Return whose weights these are, from 0."""
        return self.trained.best_epoch

    def predict(self, patches: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (n, 3): non-tumour, negative, positive."""
        return self.trained.predict(patches)

    def features(self, patches: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (n, channels)."""
        return self.trained.features(patches)

    def exported(
        self, golden: NDArray[np.float32], slides: Sequence[Callable[[], NDArray[np.float32]]]
    ) -> ExportedPatchNetwork:
        """Return the graph, checked against torch, with what it says of ``golden`` in ONNX Runtime."""
        one = self.trained
        graph = one.export(golden)
        cheaper, precisions = cheaper_arithmetics(graph, golden, slides)
        probability, _ = open_network(graph, RuntimeChoice()).run(golden)
        return ExportedPatchNetwork(
            graph, one.architecture, one.parameters, one.pretrained, one.frozen, one.heat_cells,
            np.asarray(probability, dtype=np.float32), PROBABILITY_TOLERANCE, cheaper, precisions,
        )  # fmt: skip


def cheaper_arithmetics(
    graph: bytes, golden: NDArray[np.float32], slides: Sequence[Callable[[], NDArray[np.float32]]]
) -> tuple[tuple[tuple[str, bytes], ...], tuple[tuple[str, str, float, int], ...]]:
    """Return the graphs that cheaper arithmetics need, and those that pass the gate on every engine that may run them.

    Golden patches are measured too: a bundle is checked with them when it is opened.
    """
    if len(slides) < LEAST_SLIDES:
        return (), ()
    eight = eight_bit(graph)
    asked: tuple[tuple[Precision, bytes, str, tuple[Engine, ...]], ...] = (
        ("bfloat16", graph, GRAPH_FILE, ("openvino",)),
        ("int8", eight, EIGHT_BIT_FILE, ("onnxruntime", "openvino")),
    )
    passed = []
    for precision, narrow, name, engines in asked:
        found = [_gate(graph, slides, precision, engine, narrow, golden) for engine in engines]
        gates = [one for one in found if one is not None]
        if gates and all(one.admitted for one in gates):
            passed.append((precision, name, max(one.largest_difference for one in gates), len(slides)))
    files = tuple((name, eight) for _, name, _, _ in passed if name == EIGHT_BIT_FILE)
    return files, tuple(passed)


def _gate(
    graph: bytes, slides: Sequence[Callable[[], NDArray[np.float32]]], precision: Precision, engine: Engine,
    narrow: bytes, golden: NDArray[np.float32],
) -> Gate | None:  # fmt: skip
    try:
        return measured_gate(graph, slides, precision, engine, narrow, golden)
    except RuntimeMissingError:
        return None


@dataclass(frozen=True, slots=True)
class SwinTrainer:
    """``train_patch_network`` with one recipe; what is under way is kept after every epoch."""

    recipe: PatchRecipe
    contract: PatchContract
    first: FirstWeights | None
    states: States
    progress: Progress
    """Told every epoch: with the published network one takes minutes."""

    def __call__(
        self, patches: NDArray[Any], labels: NDArray[np.int64], patients: Sequence[str], seed: int, name: str
    ) -> SwinFit:
        """Train, or go on where a cut left it."""
        space = StainSpace.of(self.contract)
        one = train_patch_network(
            patches, labels, patients, self.recipe, seed, self.progress, space, self.first, self.states, name
        )
        return SwinFit(one)


@dataclass(frozen=True, slots=True)
class FolderScratch:
    """Arrays of float16 on disk for as long as they are needed."""

    folder: Path

    @contextmanager
    def __call__(self, name: str, shape: tuple[int, ...]) -> Iterator[NDArray[Any]]:
        """Yield an array that need not fit in memory; its file is removed afterwards."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{name.replace(' ', '-')}.npy"
        try:
            yield np.lib.format.open_memmap(file, "w+", _HALF, shape)
        finally:
            file.unlink(missing_ok=True)


def patch_recipe_told(recipe: PatchRecipe, first: FirstWeights | None) -> Mapping[str, Any]:
    """Return everything the weights depend on besides patches and seed; on which device is no part of it."""
    told = {key: value for key, value in asdict(recipe).items() if key != "device"}
    return {**told, "first": first.source if first else ""}
