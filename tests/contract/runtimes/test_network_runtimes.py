"""Every engine says of a network what torch says; one suite for all of them."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from services.model_factory.handlers.networks.resnet3d.architecture import LAYERS, HeatLayer
from services.model_factory.handlers.networks.resnet3d.grad_cam import grad_cam
from services.model_factory.handlers.networks.resnet3d.graph import network_graph
from services.model_factory.handlers.networks.resnet3d.trained import predicted
from shared.bundles.runtimes.opening import open_network
from shared.bundles.runtimes.port import Engine, NetworkRuntime, Precision, RuntimeChoice, RuntimeMissingError
from tests.conftest import NO_HARDWARE
from tests.image_bundle import ARCHITECTURE, crops, small_network

pytestmark = pytest.mark.contract

Opened = Callable[[bytes], NetworkRuntime]
ENGINES: tuple[tuple[Engine, Precision], ...] = (
    ("onnxruntime", "float32"), ("openvino", "float32"), ("openvino", "bfloat16"), ("cuda", "float32"),
)  # fmt: skip
TOLERANCE = {"float32": (1e-5, 1e-3), "bfloat16": (0.02, 0.1)}
"""Of the probability; of the heat, over the largest."""


@pytest.fixture(params=ENGINES, ids="-".join)
def opened(request: pytest.FixtureRequest) -> Opened:
    engine, precision = request.param
    choice = RuntimeChoice(engine, precision, threads=1)

    def opening(graph: bytes) -> NetworkRuntime:
        try:
            runtime = open_network(graph, choice, precision)
        except RuntimeMissingError as error:
            if engine == "cuda" and "cannot load" not in str(error):
                pytest.skip(f"{NO_HARDWARE}: {error}")
            raise
        if runtime.precision != precision:
            pytest.skip(f"{NO_HARDWARE}: this processor computes in {runtime.precision}")
        return runtime

    return opening


def test_probability_and_heat_are_those_of_torch(opened: Opened) -> None:
    network, seen = small_network(), crops(5, 3)
    runtime = opened(network_graph(network))

    probability, heat = runtime.run(seen)

    expected = grad_cam(network, seen, "layer4")
    of_probability, of_heat = TOLERANCE[runtime.precision]
    assert probability.shape == (5,)
    assert heat.shape == (5, *ARCHITECTURE.heat_shape)
    assert probability == pytest.approx(predicted(network, seen), abs=of_probability)
    assert np.abs(heat - expected).max() <= of_heat * np.abs(expected).max()


@pytest.mark.parametrize("layer", LAYERS)
def test_the_heat_of_an_earlier_layer_comes_back_on_every_engine(opened: Opened, layer: HeatLayer) -> None:
    network = small_network(architecture=dataclasses.replace(ARCHITECTURE, heat_layer=layer, strides=(1, 2, 1, 1)))
    seen = crops(1, 4)
    runtime = opened(network_graph(network))

    heat = runtime.run(seen)[1]

    expected = grad_cam(network, seen, layer)
    similar = np.corrcoef(heat.ravel(), expected.ravel())[0, 1]
    assert similar > (0.999 if runtime.precision == "float32" else 0.9)


def test_one_crop_gives_what_it_gives_among_others(opened: Opened) -> None:
    seen = crops(3, 5)
    runtime = opened(network_graph(small_network()))

    alone = [float(runtime.run(one[None])[0][0]) for one in seen]

    assert runtime.run(seen)[0] == pytest.approx(alone, abs=1e-6 if runtime.precision == "float32" else 0.01)


def test_the_same_crop_gives_the_same_bits_again(opened: Opened) -> None:
    seen = crops(1, 6)
    runtime = opened(network_graph(small_network()))

    first, second = runtime.run(seen), runtime.run(seen)

    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])


def test_an_answer_is_not_overwritten_by_the_next(opened: Opened) -> None:
    runtime = opened(network_graph(small_network()))
    probability, heat = runtime.run(crops(1, 6))
    before = probability.copy(), heat.copy()

    runtime.run(crops(1, 7))

    assert np.array_equal(before[0], probability)
    assert np.array_equal(before[1], heat)


def test_an_engine_says_its_name_and_version(opened: Opened) -> None:
    name = opened(network_graph(small_network())).name

    assert any(character.isdigit() for character in name)
    assert name.split()[0] in {"onnxruntime", "openvino"}


def test_what_is_no_graph_is_refused(opened: Opened) -> None:
    opened(network_graph(small_network()))

    with pytest.raises(RuntimeMissingError, match="cannot load the graph"):
        opened(b"no graph")


_LOADING = """
import sys
from shared.bundles.runtimes.opening import open_network
from shared.bundles.runtimes.port import RuntimeChoice

name = open_network(open(sys.argv[1], "rb").read(), RuntimeChoice("openvino", threads=1)).name
print(name.split()[0], [one for one in sys.modules if one.startswith("openvino_telemetry.")])
"""


def test_loading_openvino_tells_nobody_outside(tmp_path: Path) -> None:
    """Its own package reports every import to a server of its maker, and leaves an identifier in the home folder."""
    graph, home = tmp_path / "network.onnx", tmp_path / "home"
    graph.write_bytes(network_graph(small_network()))
    home.mkdir()

    done = subprocess.run(
        [sys.executable, "-c", _LOADING, str(graph)],
        env={**os.environ, "HOME": str(home)}, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip

    assert done.stdout.split(maxsplit=1) == ["openvino", "[]\n"]
    assert not list(home.iterdir())
