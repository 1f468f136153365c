"""A bundle carries no patient's picture."""

from __future__ import annotations

import numpy as np
import pytest

from services.model_factory.adapters.networks import TorchFit, admitted_precisions
from services.model_factory.handlers.networks.loop import EpochLoss
from services.model_factory.handlers.networks.resnet3d.drift import LEAST_CROPS
from services.model_factory.handlers.networks.resnet3d.golden import golden_crop
from services.model_factory.handlers.networks.resnet3d.graph import network_graph
from services.model_factory.handlers.networks.resnet3d.recipe import NetworkRecipe
from services.model_factory.handlers.networks.resnet3d.trained import TrainedNetwork
from tests.unit.services.model_factory.networks.resnet3d.conftest import SMALL, made_up, settled


def test_the_golden_crop_is_made_up_and_always_the_same() -> None:
    crop = golden_crop((2, 16, 16, 16))

    assert crop.shape == (2, 16, 16, 16)
    assert crop.dtype == np.float32
    assert crop.mean(axis=(1, 2, 3)) == pytest.approx([0, 0], abs=1e-5)
    assert np.array_equal(crop, golden_crop((2, 16, 16, 16)))
    assert not np.array_equal(crop[0], crop[0, ::-1])


def test_what_is_exported_states_the_precision_that_the_gate_admits() -> None:
    trained = TrainedNetwork(
        settled(SMALL), NetworkRecipe("corrected", SMALL), (EpochLoss(0.7, 0.7),), 0, 1, frozenset({"p"})
    )

    told = TorchFit(trained, 0.5).exported(golden_crop(SMALL.input_shape), made_up(LEAST_CROPS, SMALL, 3))

    assert told.margin == 0.5
    for precision, difference, n in told.precisions:  # none on a processor without bfloat16
        assert precision == "bfloat16"
        assert 0 < difference <= 0.01
        assert n == LEAST_CROPS


def test_too_few_crops_admit_nothing() -> None:
    assert admitted_precisions(network_graph(settled(SMALL)), made_up(LEAST_CROPS - 1, SMALL, 3)) == ()
