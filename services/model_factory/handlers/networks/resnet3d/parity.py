"""An exported graph says what the network says, or it is not exported."""

from __future__ import annotations

import numpy as np
import torch

from services.model_factory.handlers.networks.parity import ParityError
from services.model_factory.handlers.networks.resnet3d.augmentation import Crops
from services.model_factory.handlers.networks.resnet3d.grad_cam import grad_cam
from services.model_factory.handlers.networks.resnet3d.graph import network_graph
from services.model_factory.handlers.networks.resnet3d.network import POSITIVE, ResNet3D
from shared.bundles.runtimes.opening import open_network
from shared.bundles.runtimes.port import RuntimeChoice

PROBABILITY_TOLERANCE = 1e-5
HEAT_TOLERANCE = 1e-2
"""Of the largest heat. The last layer agrees to 1e-5; before it a gradient jumps where ReLU is a rounding from zero."""
MADE_UP = 2


def checked_graph(network: ResNet3D, crops: Crops | None = None) -> bytes:
    """Return the network's graph after ONNX Runtime gave what torch gives, on made-up crops and on ``crops``.

    Raises:
        ParityError: If it gives something else.
    """
    graph = network_graph(network)
    shape = network.architecture.input_shape
    made_up = np.random.default_rng(0).standard_normal((MADE_UP, *shape), dtype=np.float32)
    runtime = open_network(graph, RuntimeChoice())
    for crop in [*made_up, *(crops if crops is not None else ())]:
        _check(network, crop[None], *runtime.run(crop[None]))
    return graph


def _check(network: ResNet3D, crop: Crops, probability: Crops, heat: Crops) -> None:
    network.eval()
    device = next(network.parameters()).device
    with torch.no_grad():
        here = torch.softmax(network(torch.from_numpy(crop).to(device)), 1)[:, POSITIVE].cpu().numpy()
    expected = grad_cam(network, crop, network.architecture.heat_layer)
    difference = float(np.abs(probability - here).max())
    apart = float(np.abs(heat - expected).max()) / max(float(np.abs(expected).max()), 1e-12)
    if not (difference <= PROBABILITY_TOLERANCE and apart <= HEAT_TOLERANCE):
        raise ParityError(f"ONNX Runtime is {difference:.1e} from torch in probability and {apart:.1e} in heat")
