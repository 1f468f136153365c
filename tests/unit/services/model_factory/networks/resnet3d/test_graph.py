"""The graph says what the network says, and its heat is Grad-CAM."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from services.model_factory.handlers.networks.parity import ParityError
from services.model_factory.handlers.networks.resnet3d import parity
from services.model_factory.handlers.networks.resnet3d.architecture import LAYERS, Architecture, HeatLayer
from services.model_factory.handlers.networks.resnet3d.grad_cam import grad_cam
from services.model_factory.handlers.networks.resnet3d.graph import network_graph
from services.model_factory.handlers.networks.resnet3d.network import ResNet3D
from services.model_factory.handlers.networks.resnet3d.parity import checked_graph
from services.model_factory.handlers.networks.resnet3d.trained import predicted
from shared.bundles.runtimes.opening import open_network
from shared.bundles.runtimes.port import RuntimeChoice
from tests.unit.services.model_factory.networks.resnet3d.conftest import SMALL, made_up, settled

ARCHITECTURES = (
    SMALL,
    dataclasses.replace(SMALL, strides=(1, 2, 2, 1), depths=(1, 2, 1, 1)),
    dataclasses.replace(SMALL, block="3-3-3"),
    dataclasses.replace(SMALL, stem_stride=1, max_pool=False, channels=2),
)


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda one: one.name)
@pytest.mark.parametrize("layer", LAYERS)
def test_probability_and_heat_of_every_layer_are_those_of_torch(architecture: Architecture, layer: HeatLayer) -> None:
    network = settled(dataclasses.replace(architecture, heat_layer=layer))
    crops = made_up(3, network.architecture, 5)

    probability, heat = open_network(network_graph(network), RuntimeChoice(threads=1)).run(crops)

    expected = grad_cam(network, crops, layer)
    assert probability == pytest.approx(predicted(network, crops), abs=1e-6)
    assert heat.shape == (3, *network.architecture.heat_shape)
    assert np.abs(heat - expected).max() <= (1e-4 if layer == "layer4" else 1e-2) * np.abs(expected).max()


def test_the_heat_of_the_last_layer_adds_up_to_the_log_odds() -> None:
    network = settled(SMALL)
    crops = made_up(2, SMALL, 5)

    heat = grad_cam(network, crops, "layer4")

    with torch.no_grad():
        logits = network(torch.from_numpy(crops))
        bias = float(network.fc.bias[1] - network.fc.bias[0])
    assert heat.sum(axis=(1, 2, 3)) + bias == pytest.approx((logits[:, 1] - logits[:, 0]).numpy(), rel=1e-4)


def test_the_same_weights_give_the_same_bytes() -> None:
    assert network_graph(settled(SMALL)) == network_graph(settled(SMALL))


def test_a_graph_that_says_something_else_is_not_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    def altered(network: ResNet3D) -> bytes:
        other = settled(SMALL, 2)
        return network_graph(other if network.architecture == SMALL else network)

    monkeypatch.setattr(parity, "network_graph", altered)

    with pytest.raises(ParityError, match="from torch"):
        checked_graph(settled(SMALL))
    assert checked_graph(settled(ARCHITECTURES[1]))
