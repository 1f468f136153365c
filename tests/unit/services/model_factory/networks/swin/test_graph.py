"""The graph says what the network says, and its heat is Grad-CAM."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from services.model_factory.handlers.networks.parity import ParityError
from services.model_factory.handlers.networks.swin import looking, parity
from services.model_factory.handlers.networks.swin.architecture import SwinArchitecture
from services.model_factory.handlers.networks.swin.graph import swin_graph
from services.model_factory.handlers.networks.swin.network import SwinTransformer
from services.model_factory.handlers.networks.swin.parity import checked_graph
from shared.bundles.runtimes.opening import open_network
from shared.bundles.runtimes.port import RuntimeChoice
from shared.pathology.patch_table import POSITIVE
from tests.unit.services.model_factory.networks.swin.conftest import SMALL, made_up, stirred

ARCHITECTURES = (
    SMALL,
    SwinArchitecture(width=12, depths=(2, 2, 2, 1), heads=(1, 2, 4, 4), window=3, side=96),
    dataclasses.replace(SMALL, window=4, side=64),
)


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda one: f"{one.side}-{one.window}")
def test_probability_and_heat_are_those_of_torch(architecture: SwinArchitecture) -> None:
    network, patches = stirred(architecture), made_up(3, architecture, 5)

    probability, heat = open_network(swin_graph(network), RuntimeChoice(threads=1)).run(patches)

    expected = looking.heat(network, patches)
    assert probability.shape == (3, 3)
    assert np.ptp(probability[:, POSITIVE]) > 1e-4
    assert probability == pytest.approx(looking.probabilities(network, patches), abs=1e-6)
    assert heat.shape == (3, architecture.heat_cells, architecture.heat_cells)
    assert np.abs(heat - expected).max() <= 1e-4 * np.abs(expected).max()


def test_the_heat_adds_up_to_how_far_the_positive_logit_is_above_the_mean() -> None:
    architecture = ARCHITECTURES[1]
    network, patches = stirred(architecture), made_up(2, architecture, 5)

    heat = looking.heat(network, patches)

    with torch.no_grad():
        logits = network(torch.from_numpy(patches)).numpy()
        bias = network.head.bias.numpy()
    above = logits[:, POSITIVE] - logits.mean(1)
    assert heat.sum(axis=(1, 2)) + bias[POSITIVE] - bias.mean() == pytest.approx(above, rel=1e-4)


def test_one_patch_gives_what_it_gives_among_others() -> None:
    runtime = open_network(swin_graph(stirred()), RuntimeChoice(threads=1))
    patches = made_up(5)

    alone = np.concatenate([runtime.run(one[None])[0] for one in patches])

    assert runtime.run(patches)[0] == pytest.approx(alone, abs=1e-6)


def test_the_same_weights_give_the_same_bytes() -> None:
    assert swin_graph(stirred()) == swin_graph(stirred())


def test_a_graph_that_says_something_else_is_not_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    def altered(network: SwinTransformer) -> bytes:
        return swin_graph(stirred(network.architecture, 2))

    assert checked_graph(stirred())
    monkeypatch.setattr(parity, "swin_graph", altered)

    with pytest.raises(ParityError, match="from torch"):
        checked_graph(stirred())
