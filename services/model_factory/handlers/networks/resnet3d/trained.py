"""A trained network: what it says, what its training looked like, and what serves it."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from services.model_factory.handlers.networks.loop import AT_ONCE
from services.model_factory.handlers.networks.resnet3d.architecture import HeatLayer
from services.model_factory.handlers.networks.resnet3d.augmentation import Crops
from services.model_factory.handlers.networks.resnet3d.grad_cam import grad_cam
from services.model_factory.handlers.networks.resnet3d.network import POSITIVE, ResNet3D, load_weights
from services.model_factory.handlers.networks.resnet3d.parity import checked_graph
from services.model_factory.handlers.networks.resnet3d.recipe import NetworkRecipe
from services.model_factory.handlers.networks.trained import Trained


@dataclass(frozen=True, slots=True, eq=False)
class TrainedNetwork(Trained[ResNet3D, NetworkRecipe]):
    """What ``train_network`` returns."""

    def predict(self, crops: Crops) -> NDArray[np.float64]:
        """Return the probability [n] of the positive class."""
        return predicted(self.network, crops)

    def heat(self, crops: Crops, layer: HeatLayer | None = None) -> NDArray[np.float32]:
        """Return Grad-CAM [n, slices, rows, columns] of a layer; None: the one that is exported."""
        return grad_cam(self.network, crops, layer or self.recipe.architecture.heat_layer)

    def export(self, crops: Crops | None = None) -> bytes:
        """Return the ONNX graph (``graph.py``), checked against this network.

        Args:
            crops: To check it on; some that were made up are always among them.

        Raises:
            ParityError: If ONNX Runtime says something else than torch.
        """
        return checked_graph(self.network, crops)


def predicted(network: ResNet3D, crops: Crops) -> NDArray[np.float64]:
    """Return the probability [n] of the positive class, in float32 arithmetic."""
    network.eval()
    device = next(network.parameters()).device
    found = []
    with torch.no_grad():
        for start in range(0, len(crops), AT_ONCE):
            logits = network(torch.from_numpy(crops[start : start + AT_ONCE]).to(device))
            found.append(torch.softmax(logits.double(), 1)[:, POSITIVE].cpu().numpy())
    return np.concatenate(found) if found else np.empty(0)


def with_weights(network: ResNet3D, weights: bytes) -> None:
    """Take over weights that ``TrainedNetwork.weights`` returned.

    Raises:
        ValueError: If they are of another architecture.
    """
    load_weights(network, torch.load(io.BytesIO(weights), weights_only=True))
