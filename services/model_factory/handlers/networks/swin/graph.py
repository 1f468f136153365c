"""The patch network as an ONNX graph, written node by node from its weights.

The second output is Grad-CAM of the positive class, not cut at zero. The network ends in a mean and a linear layer, so
its gradient is a constant: the weights of that layer over the number of cells (``looking.heat`` finds the same by
autograd). The scale of the queries stands in their weights, the mask of shifted windows in the bias.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.networks.swin.network import (
    EPSILON,
    Block,
    Merge,
    Norm,
    SwinTransformer,
    WindowAttention,
)
from services.model_factory.handlers.networks.writing import Parts
from shared.bundles.runtimes.port import CROP, HEAT, PROBABILITY
from shared.pathology.patch_table import POSITIVE

Array = NDArray[np.float32]


def swin_graph(network: SwinTransformer) -> bytes:
    """Return the graph: ``crop`` [n, 3, side, side] -> ``probability`` [n, classes] and ``heat`` [n, cells, cells]."""
    parts, architecture = SwinParts(), network.architecture
    x = parts.embedded(network)
    for number, (merge, blocks) in enumerate(network.parts()):
        x = x if merge is None else parts.merged(f"{number}.merge", merge, x)
        for place, block in enumerate(blocks):
            x = parts.block(f"{number}.{place}", block, x)
    maps = parts.norm("norm", network.norm, x)
    _outputs(parts, network, maps)
    cells = architecture.heat_cells
    return parts.serialised(architecture.name, architecture.input_shape, (architecture.classes,), (cells, cells))


class SwinParts(Parts):
    """A graph of shifted-window blocks while it is being written; tokens are (n, rows, columns, channels)."""

    def embedded(self, network: SwinTransformer) -> str:
        """Add what makes tokens of pixels."""
        weight, bias = _array(network.embed.weight), _array(network.embed.bias)
        edge = weight.shape[-1]
        tokens = self.node(
            "Conv", [CROP, self.constant("embed.weight", weight), self.constant("embed.bias", bias)],
            kernel_shape=[edge, edge], strides=[edge, edge],
        )  # fmt: skip
        return self.norm("embed.norm", network.embed_norm, self.node("Transpose", [tokens], perm=[0, 2, 3, 1]))

    def norm(self, name: str, norm: Norm, x: str) -> str:
        """Add a layer normalisation."""
        weight = self.constant(f"{name}.weight", _array(norm.weight))
        bias = self.constant(f"{name}.bias", _array(norm.bias))
        return self.node("LayerNormalization", [x, weight, bias], axis=-1, epsilon=EPSILON)

    def merged(self, name: str, merge: Merge, x: str) -> str:
        """Add what makes one token of four neighbours."""
        corners = [self._every_second(x, row, column) for column in (0, 1) for row in (0, 1)]
        together = self.norm(f"{name}.norm", merge.norm, self.node("Concat", corners, axis=-1))
        return self.linear(f"{name}.reduce", _array(merge.reduce.weight), None, together)

    def block(self, name: str, block: Block, x: str) -> str:
        """Add attention within windows and the two layers behind it."""
        seen = self._attention(f"{name}.attention", block.attention, self.norm(f"{name}.norm1", block.norm1, x))
        x = self.node("Add", [x, seen])
        inner = self.norm(f"{name}.norm2", block.norm2, x)
        wide = self.linear(f"{name}.expand", _array(block.expand.weight), _array(block.expand.bias), inner)
        narrow = self.linear(
            f"{name}.contract", _array(block.contract.weight), _array(block.contract.bias), self._gelu(wide)
        )
        return self.node("Add", [x, narrow])

    def linear(self, name: str, weight: Array, bias: Array | None, x: str) -> str:
        """Add a linear layer on the last axis."""
        product = self.node("MatMul", [x, self.constant(f"{name}.weight", weight.T)])
        return product if bias is None else self.node("Add", [product, self.constant(f"{name}.bias", bias)])

    def shaped(self, x: str, *shape: int) -> str:
        """Add a change of shape; 0 keeps the batch, -1 is what remains."""
        return self.node("Reshape", [x, self._integers(*shape)])

    def _attention(self, name: str, attention: WindowAttention, x: str) -> str:
        weight, bias = _array(attention.qkv.weight), _array(attention.qkv.bias)
        channels, heads, window, cells = weight.shape[1], attention.heads, attention.window, attention.cells
        x = self._rolled(x, attention.shift, cells)
        scales = (np.float32(attention.scale), np.float32(1), np.float32(1))
        three = [
            self._by_head(self.linear(f"{name}.{kind}", scale * w, scale * b, x), channels, heads, window, cells, kind)
            for kind, scale, w, b in zip("qkv", scales, np.split(weight, 3), np.split(bias, 3), strict=True)
        ]
        scores = self.node("MatMul", three[:2])
        biased = self.node("Add", [scores, self.constant(f"{name}.bias", _bias(attention))])
        seen = self.node("MatMul", [self.node("Softmax", [biased], axis=-1), three[2]])
        across = cells // window
        seen = self.shaped(seen, 0, across, across, heads, window, window, channels // heads)
        seen = self.node("Transpose", [seen], perm=[0, 1, 4, 2, 5, 3, 6])
        seen = self.shaped(seen, 0, cells, cells, channels)
        weight, bias = _array(attention.projection.weight), _array(attention.projection.bias)
        return self._rolled(self.linear(f"{name}.out", weight, bias, seen), -attention.shift, cells)

    def _by_head(self, x: str, channels: int, heads: int, window: int, cells: int, kind: str) -> str:
        """(n, rows, columns, channels) -> (n, windows x heads, tokens, of a head), keys turned round."""
        across = cells // window
        apart = self.shaped(x, 0, across, window, across, window, heads, channels // heads)
        perm = [0, 1, 3, 5, 6, 2, 4] if kind == "k" else [0, 1, 3, 5, 2, 4, 6]
        ordered = self.node("Transpose", [apart], perm=perm)
        last = (channels // heads, window**2) if kind == "k" else (window**2, channels // heads)
        return self.shaped(ordered, 0, across**2 * heads, *last)

    def _rolled(self, x: str, shift: int, cells: int) -> str:
        """Move everything up and left by ``shift``; what leaves comes back on the other side."""
        if not shift:
            return x
        for axis in (1, 2):
            halves = ((shift % cells, cells), (0, shift % cells))
            x = self.node("Concat", [self._sliced(x, axis, *half, 1) for half in halves], axis=axis)
        return x

    def _every_second(self, x: str, row: int, column: int) -> str:
        return self._sliced(self._sliced(x, 1, row, 2**31 - 1, 2), 2, column, 2**31 - 1, 2)

    def _sliced(self, x: str, axis: int, first: int, end: int, step: int) -> str:
        return self.node("Slice", [x, *(self._integers(one) for one in (first, end, axis, step))])

    def _gelu(self, x: str) -> str:
        """X (1 + erf(x / sqrt 2)) / 2, in the order of nodes that engines know as one."""
        inner = self.node("Erf", [self.node("Div", [x, self._number(math.sqrt(2))])])
        product = self.node("Mul", [x, self.node("Add", [inner, self._number(1.0)])])
        return self.node("Mul", [product, self._number(0.5)])

    def _integers(self, *values: int) -> str:
        name = f"i{'_'.join(str(one) for one in values)}"
        return self._once(name, np.array(values, dtype=np.int64))

    def _number(self, value: float) -> str:
        return self._once(f"f{value}", np.array(value, dtype=np.float32))

    def _once(self, name: str, values: NDArray[Any]) -> str:
        known = any(one.name == name for one in self.constants)
        return name if known else self.constant(name, values)


def _bias(attention: WindowAttention) -> Array:
    """Return (1, windows x heads, tokens, tokens)."""
    bias = _array(attention.bias())
    windows = (attention.cells // attention.window) ** 2
    tokens = attention.window**2
    return np.broadcast_to(bias, (windows, attention.heads, tokens, tokens)).reshape(1, -1, tokens, tokens)


def _outputs(parts: SwinParts, network: SwinTransformer, maps: str) -> None:
    weight, bias = _array(network.head.weight), _array(network.head.bias)
    pooled = parts.node("ReduceMean", [maps], axes=[1, 2], keepdims=0)
    parts.node("Softmax", [parts.linear("head", weight, bias, pooled)], output=PROBABILITY, axis=-1)
    cells = network.architecture.heat_cells
    towards = (weight[POSITIVE] - weight.mean(0)) / cells**2
    warm = parts.linear("heat", towards[None].astype(np.float32), None, maps)
    axis = parts.constant("heat.axis", np.array([3], dtype=np.int64))
    parts.node("Squeeze", [warm, axis], output=HEAT)


def _array(parameter: Any) -> Array:
    values: Array = parameter.detach().cpu().float().numpy()
    return values
