"""ResNet3D: the module, with its stages by name so that weights of the same shape from elsewhere fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from services.model_factory.handlers.networks.resnet3d.architecture import EXPANSION, LAYERS, Architecture

CLASSES = 2
POSITIVE = 1
"""Index of axillary pCR among the two outputs."""


class Residual(nn.Module):
    """Three convolutions with batch normalisation and a shortcut (He et al. 2016, fig. 5 right)."""

    def __init__(self, inside: int, planes: int, kernels: tuple[int, int, int], stride: int) -> None:
        super().__init__()
        outside = planes * EXPANSION
        a, b, c = kernels
        self.conv1 = nn.Conv3d(inside, planes, a, padding=a // 2, bias=False)
        self.bn1 = nn.BatchNorm3d(planes)
        # The stride stands in the middle convolution, as in every later ResNet-50 (Goyal et al., arXiv:1706.02677).
        self.conv2 = nn.Conv3d(planes, planes, b, stride=stride, padding=b // 2, bias=False)
        self.bn2 = nn.BatchNorm3d(planes)
        self.conv3 = nn.Conv3d(planes, outside, c, padding=c // 2, bias=False)
        self.bn3 = nn.BatchNorm3d(outside)
        self.downsample = _shortcut(inside, outside, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's maps for maps [n, channels, slices, rows, columns]."""
        out = torch.relu(self.bn1(self.conv1(x)))
        out = torch.relu(self.bn2(self.conv2(out)))
        shortcut = x if self.downsample is None else self.downsample(x)
        return torch.relu(self.bn3(self.conv3(out)) + shortcut)


class ResNet3D(nn.Module):
    """Crops [n, channels, side, side, side] -> logits [n, 2]; index 1 is the positive class."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        kernels = (1, 3, 1) if architecture.block == "1-3-1" else (3, 3, 3)
        width, stem = architecture.width, architecture.stem_stride
        self.conv1 = nn.Conv3d(architecture.channels, width, 7, stride=stem, padding=3, bias=False)
        self.bn1 = nn.BatchNorm3d(width)
        self.maxpool = nn.MaxPool3d(3, 2, 1) if architecture.max_pool else nn.Identity()
        inside = width
        for number, (name, depth, stride) in enumerate(
            zip(LAYERS, architecture.depths, architecture.strides, strict=True)
        ):
            planes = width * 2**number
            blocks = [Residual(inside, planes, kernels, stride)]
            inside = planes * EXPANSION
            blocks += [Residual(inside, planes, kernels, 1) for _ in range(depth - 1)]
            self.add_module(name, nn.Sequential(*blocks))
        self.fc = nn.Linear(inside, CLASSES)

    def maps(self, x: Tensor) -> dict[str, Tensor]:
        """Return the maps behind every stage, by its name."""
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        found: dict[str, Tensor] = {}
        for name in LAYERS:
            x = found[name] = self.get_submodule(name)(x)
        return found

    def stage(self, name: str) -> tuple[Residual, ...]:
        """Return the blocks of ``layer1`` ... ``layer4``."""
        return tuple(one for one in self.get_submodule(name).children() if isinstance(one, Residual))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        return self.classified(self.maps(x)[LAYERS[-1]])

    def classified(self, last: Tensor) -> Tensor:
        """Return the logits of the last maps: global average, then one linear layer."""
        logits: Tensor = self.fc(last.mean((2, 3, 4)))
        return logits


def new_network(architecture: Architecture, seed: int) -> ResNet3D:
    """Return a network with random weights; the same seed gives the same.

    Convolutions: He et al., ICCV 2015 (doi:10.1109/ICCV.2015.123), fan out; batch normalisation 1 and 0.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ResNet3D(architecture)
        for module in network.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        nn.init.zeros_(network.fc.bias)
    return network


def load_weights(network: ResNet3D, weights: Mapping[str, Any]) -> None:
    """Take over weights by name.

    Raises:
        ValueError: If a name or a shape does not fit.
    """
    try:
        network.load_state_dict(dict(weights))
    except RuntimeError as error:
        raise ValueError("the weights are not those of this architecture") from error


def _shortcut(inside: int, outside: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and inside == outside:
        return None
    return nn.Sequential(nn.Conv3d(inside, outside, 1, stride=stride), nn.BatchNorm3d(outside))
