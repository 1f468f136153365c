"""The network of ``handlers/networks`` as the port a run on images asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.model_factory.adapters.epochs import Epochs
from services.model_factory.handlers.networks.parity import PROBABILITY_TOLERANCE
from services.model_factory.handlers.networks.resnet3d.drift import measured_drift
from services.model_factory.handlers.networks.resnet3d.recipe import NetworkRecipe
from services.model_factory.handlers.networks.resnet3d.trained import TrainedNetwork
from services.model_factory.handlers.networks.resnet3d.training import train_network
from services.model_factory.ports import ExportedNetwork, States, Steps
from shared.bundles.runtimes.opening import open_network
from shared.bundles.runtimes.port import RuntimeChoice, RuntimeMissingError

MOST_CROPS = 60
"""Drift is measured on so many at most."""


@dataclass(frozen=True, slots=True)
class TorchFit:
    """A network torch has trained."""

    trained: TrainedNetwork
    margin: float

    def probability(self, crops: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of the positive class of every crop."""
        return self.trained.predict(crops)

    def exported(self, golden: NDArray[np.float32], crops: NDArray[np.float32]) -> ExportedNetwork:
        """Return the graph, checked against torch, with what it says of ``golden`` in ONNX Runtime."""
        graph = self.trained.export(golden[None])
        probability, heat = open_network(graph, RuntimeChoice()).run(golden[None])
        architecture = self.trained.recipe.architecture
        peak = np.unravel_index(int(np.argmax(heat[0])), heat[0].shape)
        return ExportedNetwork(
            graph, architecture.name, self.trained.parameters, architecture.input_shape, self.margin,
            architecture.heat_layer, architecture.heat_shape, len(self.trained.losses),
            tuple((one.training, one.validation) for one in self.trained.losses), float(probability[0]),
            (int(peak[0]), int(peak[1]), int(peak[2])), PROBABILITY_TOLERANCE, admitted_precisions(graph, crops),
        )  # fmt: skip


def admitted_precisions(graph: bytes, crops: NDArray[np.float32]) -> tuple[tuple[str, float, int], ...]:
    """Return what may serve instead of float32, by measured drift; nothing where it cannot be measured here."""
    try:
        drift = measured_drift(graph, crops[:MOST_CROPS])
    except RuntimeMissingError:
        return ()
    if drift is None or not drift.admitted:
        return ()
    return ((drift.precision, drift.largest_difference, drift.n),)


def recipe_told(recipe: NetworkRecipe) -> Mapping[str, Any]:
    """Return everything the weights depend on besides crops and seed; on which device is no part of it."""
    return {key: value for key, value in asdict(recipe).items() if key != "device"}


@dataclass(frozen=True, slots=True)
class TorchTrainer:
    """``train_network`` with one recipe; what is under way is kept after every epoch."""

    recipe: NetworkRecipe
    margin: float
    """Of the crops it is given."""
    states: States

    def __call__(
        self, crops: NDArray[np.float32], event: NDArray[np.bool_], seed: int, name: str, steps: Steps
    ) -> TorchFit:
        """Train, or go on where a cut left it; each crop is a patient's only one."""
        patients = [f"{place:06d}" for place in range(len(crops))]
        one = train_network(crops, event, patients, self.recipe, seed, Epochs(steps), self.states, name)
        return TorchFit(one, self.margin)
