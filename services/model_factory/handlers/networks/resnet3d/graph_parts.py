"""Nodes and constants of a graph while it is being written, and the residual block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from services.model_factory.handlers.networks.writing import Parts


@dataclass(frozen=True, slots=True)
class Stepped:
    """A convolution or pooling along one axis: stride, kernel, edge of its input; padded by half the kernel."""

    stride: int
    kernel: int
    edge: int

    @property
    def out(self) -> int:
        """Return the edge of its output."""
        return (self.edge + 2 * (self.kernel // 2) - self.kernel) // self.stride + 1

    @property
    def left_over(self) -> int:
        """Return what a transposed convolution must add to have the input's edge again (``output_padding``)."""
        return self.edge - ((self.out - 1) * self.stride - 2 * (self.kernel // 2) + self.kernel)


@dataclass(frozen=True, slots=True)
class Folded:
    """A convolution with the batch normalisation behind it: names of both constants, and its stride and kernel."""

    weight: str
    bias: str
    stride: int
    kernel: int


@dataclass(frozen=True, slots=True)
class Applied:
    """A convolution at its place, and the map that ReLU made of it (None for what is added first)."""

    folded: Folded
    step: Stepped
    output: str | None


@dataclass(frozen=True, slots=True)
class Convolved:
    """A residual block as it was written, with the names of its maps, so that a way back can be written."""

    first: Applied
    middle: Applied
    last: Applied
    shortcut: Applied | None
    output: str


@dataclass(slots=True)
class ResidualParts(Parts):
    """A graph of residual blocks while it is being written."""

    def relu(self, x: str) -> str:
        """Add max(x, 0)."""
        return self.node("Relu", [x])

    def folded(self, name: str, convolution: nn.Conv3d, normalisation: nn.BatchNorm3d) -> Folded:
        """Fold batch normalisation (its running mean and variance) into the convolution before it, in double."""
        scale = _double(normalisation.weight) / np.sqrt(_double(normalisation.running_var) + normalisation.eps)
        bias = 0.0 if convolution.bias is None else _double(convolution.bias)
        shift = _double(normalisation.bias) + (bias - _double(normalisation.running_mean)) * scale
        weight = _double(convolution.weight) * scale[:, None, None, None, None]
        return Folded(
            self.constant(f"{name}.weight", weight.astype(np.float32)),
            self.constant(f"{name}.bias", shift.astype(np.float32)),
            int(convolution.stride[0]),
            int(convolution.kernel_size[0]),
        )

    def convolution(self, x: str, folded: Folded, step: Stepped) -> str:
        """Add a convolution."""
        return self.node(
            "Conv", [x, folded.weight, folded.bias], kernel_shape=[step.kernel] * 3, strides=[step.stride] * 3,
            pads=[step.kernel // 2] * 6,
        )  # fmt: skip

    def residual(
        self, x: str, edge: int, first: Folded, middle: Folded, last: Folded, shortcut: Folded | None
    ) -> Convolved:
        """Add a residual block on maps ``x`` of this edge."""
        a = self._activated(x, first, edge)
        b = self._activated(str(a.output), middle, edge)
        step = Stepped(last.stride, last.kernel, b.step.out)
        out = self.convolution(str(b.output), last, step)
        across = None if shortcut is None else Applied(shortcut, Stepped(shortcut.stride, shortcut.kernel, edge), None)
        way = x if across is None else self.convolution(x, across.folded, across.step)
        output = self.relu(self.node("Add", [out, way]))
        return Convolved(a, b, Applied(last, step, None), across, output)

    def _activated(self, x: str, folded: Folded, edge: int) -> Applied:
        step = Stepped(folded.stride, folded.kernel, edge)
        return Applied(folded, step, self.relu(self.convolution(x, folded, step)))


def _double(tensor: Any) -> NDArray[np.float64]:
    values: NDArray[np.float64] = tensor.detach().cpu().double().numpy()
    return values
