"""A network that trains in a second, and crops with something to learn in them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.networks.resnet3d.architecture import Architecture
from services.model_factory.handlers.networks.resnet3d.network import ResNet3D
from tests.image_bundle import ARCHITECTURE as SMALL
from tests.image_bundle import crops, small_network

__all__ = ["SMALL", "made_up", "settled", "striped"]


def settled(architecture: Architecture, seed: int = 1) -> ResNet3D:
    return small_network(seed, architecture)


def made_up(n: int, architecture: Architecture, seed: int = 0) -> NDArray[np.float32]:
    return crops(n, seed, architecture)


def striped(n: int, seed: int = 0, side: int = 16) -> tuple[NDArray[np.float32], NDArray[np.bool_], list[str]]:
    """Crops of noise; those of the positive class have fine stripes in the middle. Two crops a patient."""
    rng = np.random.default_rng(seed)
    made = rng.standard_normal((n, 1, side, side, side)).astype(np.float32)
    labels = np.arange(n) % 4 < 2
    made[labels, :, 4:12, 4:12, 4:12] += 1.5 * np.where(np.arange(8) % 2 == 0, 1, -1)
    return made, labels, [f"p{place // 2}" for place in range(n)]
