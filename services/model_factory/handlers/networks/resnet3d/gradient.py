"""The heat of any layer within the graph: the way back from the log-odds, written as transposed convolutions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.networks.resnet3d.graph_parts import Applied, Convolved, ResidualParts
from shared.bundles.runtimes.port import HEAT


def heat_nodes(parts: ResidualParts, maps: str, behind: Sequence[Convolved], weights: NDArray[np.float32]) -> None:
    """Add the output ``heat``: the sum over channels of the mean gradient of the log-odds times the map.

    Args:
        parts: The graph so far.
        maps: The heat layer's maps.
        behind: The blocks between them and the end, in order.
        weights: Gradient of the log-odds at every cell of the last maps, one per channel.
    """
    if not behind:
        _summed(parts, maps, parts.constant("heat.weights", weights[None, :, None, None, None]))
        return
    gradient = parts.constant("gradient", weights[None, :, None, None, None])
    for block in reversed(behind):
        gradient = _through(parts, block, gradient)
    _summed(parts, maps, parts.node("ReduceMean", [gradient], axes=[2, 3, 4], keepdims=1))


def _summed(parts: ResidualParts, maps: str, weights: str) -> None:
    weighted = parts.node("Mul", [maps, weights])
    axis = parts.constant("heat.axis", np.array([1], dtype=np.int64))
    parts.node("ReduceSum", [weighted, axis], output=HEAT, keepdims=0)


def _through(parts: ResidualParts, block: Convolved, gradient: str) -> str:
    """Return the gradient at the block's input for the one at its output."""
    inner = _kept(parts, gradient, block.output)
    way = inner if block.shortcut is None else _back(parts, block.shortcut, inner)
    back = _kept(parts, _back(parts, block.last, inner), str(block.middle.output))
    back = _kept(parts, _back(parts, block.middle, back), str(block.first.output))
    return parts.node("Add", [_back(parts, block.first, back), way])


def _kept(parts: ResidualParts, gradient: str, activated: str) -> str:
    """Where ReLU gave zero, nothing goes back (Sign of what is never negative is 0 or 1)."""
    return parts.node("Mul", [parts.node("Sign", [activated]), gradient])


def _back(parts: ResidualParts, applied: Applied, gradient: str) -> str:
    step = applied.step
    # A constant of its own: OpenVINO 2026.4 takes the layout of the convolution for a weight that both use.
    weight = parts.copied(applied.folded.weight)
    return parts.node(
        "ConvTranspose", [gradient, weight], kernel_shape=[step.kernel] * 3, strides=[step.stride] * 3,
        pads=[step.kernel // 2] * 6, output_padding=[step.left_over] * 3,
    )  # fmt: skip
