"""A patch network that trains in a second, and patches with something to learn in them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.networks.swin.architecture import SwinArchitecture
from services.model_factory.handlers.networks.swin.augmentation import StainSpace
from services.model_factory.handlers.networks.swin.network import SwinTransformer, new_swin

SMALL = SwinArchitecture(width=12, depths=(1, 2, 1, 1), heads=(1, 2, 3, 4), window=2, side=32)
"""Windows of 2 x 2 in stages of 8, 4, 2 and 1 cells; the second stage's second block is shifted."""
SPACE = StainSpace((0.65, 0.70, 0.29), (0.07, 0.99, 0.11), (0.7, 0.6, 0.7), (0.2, 0.2, 0.2))


def stirred(architecture: SwinArchitecture = SMALL, seed: int = 1) -> SwinTransformer:
    """Return a network whose weights are large enough for every part to matter."""
    network = new_swin(architecture, seed)
    for name, parameter in network.named_parameters():
        if "norm" not in name:
            parameter.data.mul_(1.5)
    return network.eval()


def made_up(n: int, architecture: SwinArchitecture = SMALL, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((n, *architecture.input_shape), dtype=np.float32)


def dotted(n: int, seed: int = 0, side: int = 32) -> tuple[NDArray[np.float32], NDArray[np.int64], list[str]]:
    """Patches of noise: class 1 has dark dots, class 2 a dark bar. Six patches a patient, two of each class but one."""
    rng = np.random.default_rng(seed)
    made = 0.3 * rng.standard_normal((n, 3, side, side)).astype(np.float32)
    patient, place = np.divmod(np.arange(n), 6)
    labels = np.where(place < 3, 0, 1 + patient % 2)
    made[labels == 1, :, ::4, ::4] -= 3.0
    made[labels == 2, :, 12:20] -= 1.5
    return made, labels, [f"p{one}" for one in patient]
