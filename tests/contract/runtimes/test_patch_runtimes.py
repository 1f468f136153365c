"""Every engine says of patches what torch says: three classes and the heat, any number of patches at once."""

from __future__ import annotations

import numpy as np
import pytest

from services.model_factory.handlers.networks.swin import looking
from services.model_factory.handlers.networks.swin.graph import swin_graph
from shared.bundles.runtimes.opening import open_network
from shared.bundles.runtimes.port import Engine, NetworkRuntime, Precision, RuntimeChoice, RuntimeMissingError
from tests.conftest import NO_HARDWARE
from tests.unit.services.model_factory.networks.swin.conftest import SMALL, made_up, stirred

pytestmark = pytest.mark.contract

ENGINES: tuple[tuple[Engine, Precision], ...] = (
    ("onnxruntime", "float32"), ("openvino", "float32"), ("openvino", "bfloat16"), ("cuda", "float32"),
)  # fmt: skip
TOLERANCE = {"float32": (1e-5, 1e-3), "bfloat16": (0.03, 0.1)}
"""Of the probability; of the heat, over the largest."""


@pytest.fixture(params=ENGINES, ids="-".join)
def runtime(request: pytest.FixtureRequest) -> NetworkRuntime:
    engine, precision = request.param
    try:
        opened = open_network(swin_graph(stirred()), RuntimeChoice(engine, precision, threads=1), precision)
    except RuntimeMissingError as error:
        if engine == "cuda" and "cannot load" not in str(error):
            pytest.skip(f"{NO_HARDWARE}: {error}")
        raise
    if opened.precision != precision:
        pytest.skip(f"{NO_HARDWARE}: this processor computes in {opened.precision}")
    return opened


@pytest.mark.parametrize("n", [1, 3, 8])
def test_three_classes_and_the_heat_are_those_of_torch(runtime: NetworkRuntime, n: int) -> None:
    network, patches = stirred(), made_up(n, SMALL, 5)

    probability, heat = runtime.run(patches)

    expected = looking.heat(network, patches)
    of_probability, of_heat = TOLERANCE[runtime.precision]
    assert probability.shape == (n, 3)
    assert heat.shape == (n, SMALL.heat_cells, SMALL.heat_cells)
    assert probability == pytest.approx(looking.probabilities(network, patches), abs=of_probability)
    assert probability.sum(axis=1) == pytest.approx(1, abs=1e-3)
    assert np.abs(heat - expected).max() <= of_heat * np.abs(expected).max()


def test_the_same_patches_give_the_same_bits_again(runtime: NetworkRuntime) -> None:
    patches = made_up(2, SMALL, 6)

    first, second = runtime.run(patches), runtime.run(patches)

    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
