"""The network as an ONNX graph, written node by node from its weights: the same weights give the same bytes.

Batch normalisation is folded into the convolutions. The second output is Grad-CAM of the log-odds (Selvaraju et al.,
ICCV 2017, doi:10.1109/ICCV.2017.74), not yet cut at zero, of the layer the architecture names. Behind the last layer
its gradient is a constant: the sum of the heat over all cells, plus a bias, is the log-odds itself. For an earlier
layer the way back from the log-odds to that layer is written into the graph too (``gradient.py``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.networks.resnet3d.architecture import LAYERS
from services.model_factory.handlers.networks.resnet3d.gradient import heat_nodes
from services.model_factory.handlers.networks.resnet3d.graph_parts import Convolved, Folded, ResidualParts, Stepped
from services.model_factory.handlers.networks.resnet3d.network import POSITIVE, Residual, ResNet3D
from shared.bundles.runtimes.port import CROP, PROBABILITY


def network_graph(network: ResNet3D) -> bytes:
    """Return the graph: ``crop`` [n, channels, side, side, side] -> ``probability`` [n] and ``heat`` [n, d, h, w].

    Everything is float32; ``probability`` is that of the positive class.
    """
    parts, architecture = ResidualParts(), network.architecture
    stem = Stepped(network.conv1.stride[0], 7, architecture.side)
    x = parts.relu(parts.convolution(CROP, parts.folded("stem", network.conv1, network.bn1), stem))
    edge = stem.out
    if architecture.max_pool:
        pool = Stepped(2, 3, edge)
        x, edge = parts.node("MaxPool", [x], kernel_shape=[3] * 3, strides=[2] * 3, pads=[1] * 6), pool.out
    maps, blocks = {}, []
    for name in LAYERS:
        for number, block in enumerate(network.stage(name)):
            blocks.append((name, _block(parts, f"{name}.{number}", block, x, edge)))
            x, edge = blocks[-1][1].output, blocks[-1][1].middle.step.out
        maps[name] = x
    weights, bias = _log_odds(network)
    _probability(parts, x, weights, bias)
    behind = [one for name, one in blocks if LAYERS.index(name) > LAYERS.index(architecture.heat_layer)]
    heat_nodes(parts, maps[architecture.heat_layer], behind, (weights / edge**3).astype(np.float32))
    return parts.serialised(architecture.name, architecture.input_shape, (), architecture.heat_shape)


def _block(parts: ResidualParts, name: str, block: Residual, x: str, edge: int) -> Convolved:
    first = parts.folded(f"{name}.1", block.conv1, block.bn1)
    middle = parts.folded(f"{name}.2", block.conv2, block.bn2)
    last = parts.folded(f"{name}.3", block.conv3, block.bn3)
    return parts.residual(x, edge, first, middle, last, _shortcut(parts, name, block.downsample))


def _shortcut(parts: ResidualParts, name: str, downsample: Any) -> Folded | None:
    return None if downsample is None else parts.folded(f"{name}.shortcut", downsample[0], downsample[1])


def _log_odds(network: ResNet3D) -> tuple[NDArray[np.float32], float]:
    """Weights [channels] and bias of log(p / (1 - p)): softmax of two logits knows only their difference."""
    weight, bias = network.fc.weight.detach().cpu().double(), network.fc.bias.detach().cpu().double()
    difference = (weight[POSITIVE] - weight[1 - POSITIVE]).numpy().astype(np.float32)
    return difference, float(bias[POSITIVE] - bias[1 - POSITIVE])


def _probability(parts: ResidualParts, last: str, weights: NDArray[np.float32], bias: float) -> None:
    pooled = parts.node("ReduceMean", [last], axes=[2, 3, 4], keepdims=0)
    odds = parts.node("MatMul", [pooled, parts.constant("log_odds.weights", weights[:, None])])
    biased = parts.node("Add", [odds, parts.constant("log_odds.bias", np.array([bias], dtype=np.float32))])
    flat = parts.node("Reshape", [biased, parts.constant("flat", np.array([-1], dtype=np.int64))])
    parts.node("Sigmoid", [flat], output=PROBABILITY)
