"""ResNet-50 for pictures (He et al., CVPR 2016), cut behind its third stage: the features CLAM reads (1024 numbers).

Names and shapes are those of the usual ImageNet weights, which a user brings with their sha256; none are shipped.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from shared.domain.errors import InvalidInputError

WIDTH = 1024
"""Features of one patch: the mean of the third stage's maps (Lu et al. 2021, Methods)."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures in [0, 1]."""
RANDOM = "random weights"
_STAGES = (("layer1", 64, 3, 1), ("layer2", 128, 4, 2), ("layer3", 256, 6, 2))


class Bottleneck(nn.Module):
    """Three convolutions and a shortcut; the stride stands in the middle one (Goyal et al., arXiv:1706.02677)."""

    def __init__(self, inside: int, planes: int, stride: int) -> None:
        super().__init__()
        outside = 4 * planes
        self.conv1, self.bn1 = nn.Conv2d(inside, planes, 1, bias=False), nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3, self.bn3 = nn.Conv2d(planes, outside, 1, bias=False), nn.BatchNorm2d(outside)
        self.downsample = None
        if stride != 1 or inside != outside:
            shortcut = nn.Conv2d(inside, outside, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outside))

    def forward(self, x: Tensor) -> Tensor:
        """Return the maps."""
        out = torch.relu(self.bn1(self.conv1(x)))
        out = torch.relu(self.bn2(self.conv2(out)))
        shortcut = x if self.downsample is None else self.downsample(x)
        return torch.relu(self.bn3(self.conv3(out)) + shortcut)


class ResNet50Features(nn.Module):
    """Pictures [n, 3, rows, columns] on ImageNet's scale -> features [n, 1024]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inside = 64
        for name, planes, depth, stride in _STAGES:
            blocks = [Bottleneck(inside, planes, stride)]
            inside = 4 * planes
            blocks += [Bottleneck(inside, planes, 1) for _ in range(depth - 1)]
            self.add_module(name, nn.Sequential(*blocks))

    def forward(self, x: Tensor) -> Tensor:
        """Return the features."""
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        for name, *_ in _STAGES:
            x = self.get_submodule(name)(x)
        return x.mean((2, 3))


def resnet50(weights: Path | None, sha256: str = "", seed: int = 0) -> tuple[ResNet50Features, str]:
    """Return the network and where its weights come from; without a file random ones, which ``RANDOM`` says.

    Raises:
        InvalidInputError: If the file is another one, no weights, or of another network.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ResNet50Features().eval()
    if weights is None:
        return network, RANDOM
    content = _read(weights)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise InvalidInputError("resnet50 weights", f"have sha256 {found}, not the one that was stated")
    state = _state(weights)
    own = {name: state[name] for name in network.state_dict() if name in state}
    if set(network.state_dict()) - set(own) - {n for n in network.state_dict() if n.endswith("num_batches_tracked")}:
        raise InvalidInputError("resnet50 weights", "are not those of a ResNet-50")
    try:
        network.load_state_dict(own, strict=False)
    except RuntimeError as error:
        raise InvalidInputError("resnet50 weights", "are not those of a ResNet-50") from error
    return network.eval(), f"weights with sha256 {found}"


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InvalidInputError("resnet50 weights", "cannot be read") from error


def _state(file: Path) -> dict[str, Any]:
    try:
        return dict(torch.load(file, weights_only=True, map_location="cpu"))
    except Exception as error:
        raise InvalidInputError("resnet50 weights", "are no PyTorch file of weights alone") from error
