"""Features of patches by a ResNet-50 in torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from services.model_factory.handlers.comparators.resnet50 import WIDTH, resnet50
from services.model_factory.handlers.slides.comparing import Features

_AT_ONCE = 64


def resnet50_features(weights: Path | None, sha256: str, seed: int) -> tuple[Features, str]:
    """Return what makes features of prepared patches (on ImageNet's scale already), and where the weights come from.

    Raises:
        InvalidInputError: If the weights are not those that were stated.
    """
    network, told = resnet50(weights, sha256, seed)

    def features(patches: NDArray[np.float32]) -> NDArray[np.float32]:
        starts = range(0, len(patches), _AT_ONCE)
        with torch.no_grad():
            found = [network(torch.from_numpy(patches[start : start + _AT_ONCE])).numpy() for start in starts]
        return np.concatenate([np.zeros((0, WIDTH), dtype=np.float32), *found])

    return features, told
