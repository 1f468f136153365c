"""What a network says of patches in torch: probabilities, heat, and the features that other models aggregate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from services.model_factory.handlers.networks.loop import AT_ONCE
from services.model_factory.handlers.networks.swin.network import SwinTransformer
from shared.pathology.patch_table import POSITIVE

Patches = NDArray[np.float32]
"""(n, 3, side, side), as ``shared/pathology/patches.py`` prepares them; may lie on disk, in any floating type."""


def probabilities(network: SwinTransformer, patches: Patches) -> NDArray[np.float32]:
    """Return (n, classes): softmax."""
    return _looked(network, patches, lambda x: torch.softmax(network(x), 1), (network.architecture.classes,))


def features(network: SwinTransformer, patches: Patches) -> NDArray[np.float32]:
    """Return (n, channels): the mean of the last maps, what CLAM and SlideGraph+ aggregate."""
    return _looked(network, patches, lambda x: network.maps(x).mean((1, 2)), (network.head.in_features,))


def heat(network: SwinTransformer, patches: Patches) -> NDArray[np.float32]:
    """Return (n, cells, cells): Grad-CAM (Selvaraju et al., ICCV 2017, eq. 1 and 2 before ReLU), found by autograd.

    What is differentiated is the logit of the positive class less the mean of all logits: softmax knows no more.
    """
    network.eval()
    found = [_grad_cam(network, torch.from_numpy(one)) for one in _batches(patches)]
    cells = network.architecture.heat_cells
    return np.concatenate(found) if found else np.empty((0, cells, cells), dtype=np.float32)


def _grad_cam(network: SwinTransformer, x: Tensor) -> NDArray[np.float32]:
    with torch.enable_grad():
        maps = network.maps(x)
        logits = network.head(maps.mean((1, 2)))
        (gradient,) = torch.autograd.grad((logits[:, POSITIVE] - logits.mean(1)).sum(), maps)
    values: NDArray[np.float32] = (gradient.mean((1, 2), keepdim=True) * maps).sum(-1).detach().numpy()
    return values


def _looked(
    network: SwinTransformer, patches: Patches, look: Callable[[Tensor], Tensor], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    network.eval()
    with torch.no_grad():
        found = [look(torch.from_numpy(one)).numpy() for one in _batches(patches)]
    return np.concatenate(found) if found else np.empty((0, *shape), dtype=np.float32)


def _batches(patches: Patches) -> Any:
    for start in range(0, len(patches), AT_ONCE):
        yield np.ascontiguousarray(patches[start : start + AT_ONCE], dtype=np.float32)
