"""Grad-CAM of any layer in torch: what the served heatmap must agree with."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from services.model_factory.handlers.networks.resnet3d.architecture import HeatLayer
from services.model_factory.handlers.networks.resnet3d.network import POSITIVE, ResNet3D


def grad_cam(network: ResNet3D, crops: NDArray[np.float32], layer: HeatLayer) -> NDArray[np.float32]:
    """Return heat [n, slices, rows, columns] of crops [n, channels, side, side, side], not cut at zero.

    The sum over channels of (mean gradient over the map) x map (Selvaraju et al., ICCV 2017, eq. 1 and 2 before ReLU).
    What is differentiated is the log-odds of the positive class: of two logits only the difference decides the
    probability.
    """
    network.eval()
    device = next(network.parameters()).device
    with torch.enable_grad():
        found = network.maps(torch.from_numpy(crops).to(device))
        logits = network.classified(found["layer4"])
        log_odds = (logits[:, POSITIVE] - logits[:, 1 - POSITIVE]).sum()
        (gradient,) = torch.autograd.grad(log_odds, found[layer])
    heat = (gradient.mean((2, 3, 4), keepdim=True) * found[layer]).sum(1)
    values: NDArray[np.float32] = heat.detach().cpu().numpy()
    return values
