"""Which ResNet: width, blocks, strides, and the layer the heatmap comes from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Block = Literal["1-3-1", "3-3-3"]
"""Kernel sizes of a block's three convolutions. ``1-3-1`` is the bottleneck of ResNet-50 (He et al., CVPR 2016,
doi:10.1109/CVPR.2016.90); ``3-3-3`` is what paper 000 writes (methods P0-15)."""
HeatLayer = Literal["layer1", "layer2", "layer3", "layer4"]
LAYERS: tuple[HeatLayer, ...] = ("layer1", "layer2", "layer3", "layer4")
EXPANSION = 4


@dataclass(frozen=True, slots=True)
class Architecture:
    """A ResNet3D-50, or one of reduced width. The defaults are the full network: 46.16 M parameters."""

    width: int = 64
    """Channels of the stem; the stages have 1, 2, 4 and 8 times as many, times 4 behind a block."""
    depths: tuple[int, int, int, int] = (3, 4, 6, 3)
    block: Block = "1-3-1"
    stem_stride: int = 1
    max_pool: bool = True
    strides: tuple[int, int, int, int] = (1, 2, 2, 2)
    """Of the stages. Fewer strides keep the last map fine enough to say where (methods P0-16)."""
    channels: int = 1
    side: int = 64
    """Edge of the crop in voxels."""
    heat_layer: HeatLayer = "layer4"

    @property
    def stride(self) -> int:
        """Return how many voxels of the crop lie between neighbouring cells of the heat layer."""
        stages = self.strides[: LAYERS.index(self.heat_layer) + 1]
        return self.stem_stride * (2 if self.max_pool else 1) * math.prod(stages)

    @property
    def heat_shape(self) -> tuple[int, int, int]:
        """Return the shape of the heatmap."""
        cells = -(-self.side // self.stride)
        return cells, cells, cells

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """Return (channels, slices, rows, columns) of a crop."""
        return self.channels, self.side, self.side, self.side

    @property
    def name(self) -> str:
        """Return what a card says: ``ResNet3D-50, bottleneck 1-3-1, width 64``, and strides that are not the usual."""
        depth = 2 + 3 * sum(self.depths)
        kind = "bottleneck 1-3-1" if self.block == "1-3-1" else "blocks 3-3-3"
        usual = (self.stem_stride, self.max_pool, self.strides) == (1, True, (1, 2, 2, 2))
        steps = "-".join(str(one) for one in (self.stem_stride, *self.strides))
        strides = "" if usual else f", strides {steps}{'' if self.max_pool else ', no max-pool'}"
        return f"ResNet3D-{depth}, {kind}, width {self.width}{strides}"
