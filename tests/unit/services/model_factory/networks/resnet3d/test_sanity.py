"""Heat shows what was learned: with random weights it is another."""

from __future__ import annotations

import dataclasses

import torch

from services.model_factory.handlers.networks.resnet3d.recipe import NETWORK_RECIPES
from services.model_factory.handlers.networks.resnet3d.sanity import ORDER, randomised
from services.model_factory.handlers.networks.resnet3d.training import train_network
from tests.unit.services.model_factory.networks.conftest import Watching
from tests.unit.services.model_factory.networks.resnet3d.conftest import SMALL, striped


def test_the_heat_of_a_trained_network_does_not_survive_random_weights(watching: Watching) -> None:
    crops, labels, patients = striped(48)
    recipe = dataclasses.replace(
        NETWORK_RECIPES["corrected"], architecture=SMALL, epochs=8, batch=8, learning_rate=1e-2
    )
    trained = train_network(crops, labels, patients, recipe, 1, watching)
    before = {name: value.clone() for name, value in trained.network.state_dict().items()}

    found = randomised(trained.network, crops[:8], "layer4", 5)

    assert [one.part for one in found] == list(ORDER)
    assert abs(found[-1].rank_correlation) < 0.5
    assert all(torch.equal(before[name], value) for name, value in trained.network.state_dict().items())


def test_a_network_that_is_made_of_the_same_weights_again_keeps_its_heat(watching: Watching) -> None:
    from services.model_factory.handlers.networks.resnet3d.network import new_network
    from tests.unit.services.model_factory.networks.resnet3d.conftest import made_up

    network = new_network(SMALL, 5)

    found = randomised(network, made_up(2, SMALL), "layer4", 5)

    assert all(one.rank_correlation > 0.999 for one in found)
