"""An exported graph says what the network says, or it is not exported."""

from __future__ import annotations

import torch

from services.model_factory.handlers.networks.parity import refuse_disparity
from services.model_factory.handlers.networks.resnet3d.augmentation import Crops
from services.model_factory.handlers.networks.resnet3d.grad_cam import grad_cam
from services.model_factory.handlers.networks.resnet3d.graph import network_graph
from services.model_factory.handlers.networks.resnet3d.network import POSITIVE, ResNet3D

HEAT_TOLERANCE = 1e-2
"""Of the largest heat. The last layer agrees to 1e-5; before it a gradient jumps where ReLU is a rounding from zero."""


def checked_graph(network: ResNet3D, crops: Crops | None = None) -> bytes:
    """Return the network's graph after ONNX Runtime gave what torch gives, on made-up crops and on ``crops``.

    Raises:
        ParityError: If it gives something else.
    """
    graph = network_graph(network)

    def says(crop: Crops) -> tuple[Crops, Crops]:
        return _probability(network, crop), grad_cam(network, crop, network.architecture.heat_layer)

    refuse_disparity(graph, network.architecture.input_shape, crops, says, HEAT_TOLERANCE, at_once=1)
    return graph


def _probability(network: ResNet3D, crops: Crops) -> Crops:
    network.eval()
    device = next(network.parameters()).device
    with torch.no_grad():
        probability: Crops = torch.softmax(network(torch.from_numpy(crops).to(device)), 1)[:, POSITIVE].cpu().numpy()
    return probability
