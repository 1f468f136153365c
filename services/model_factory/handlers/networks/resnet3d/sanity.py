"""Does the heat depend on what was learned? Weights are made random, from the end on, and the heat must change.

Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018 (arXiv:1810.03292): cascading randomisation, Spearman's
rank correlation of the maps. A map that stays alike shows the image, not the model.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats
from torch import nn

from services.model_factory.handlers.networks.resnet3d.architecture import LAYERS, HeatLayer
from services.model_factory.handlers.networks.resnet3d.augmentation import Crops
from services.model_factory.handlers.networks.resnet3d.grad_cam import grad_cam
from services.model_factory.handlers.networks.resnet3d.network import ResNet3D, new_network

ORDER = ("fc", *reversed(LAYERS), "conv1")
"""From the end on, each in addition to those before."""


@dataclass(frozen=True, slots=True)
class Similarity:
    """How alike the heat still is once the weights down to ``part`` are random."""

    part: str
    rank_correlation: float
    """Spearman's, mean over the crops; 1: nothing has changed."""
    of_size: float
    """The same of the absolute heat, where a map with the sign turned round counts as alike."""


def randomised(network: ResNet3D, crops: Crops, layer: HeatLayer, seed: int) -> tuple[Similarity, ...]:
    """Return the similarity of the heat after every step of the cascade; the network given stays as it is."""
    trained = grad_cam(network, crops, layer)
    other, cascade = new_network(network.architecture, seed), copy.deepcopy(network)
    found = []
    for part in ORDER:
        _replace(cascade.get_submodule(part), other.get_submodule(part))
        heat = grad_cam(cascade, crops, layer)
        found.append(Similarity(part, _alike(trained, heat), _alike(np.abs(trained), np.abs(heat))))
    return tuple(found)


def _replace(part: nn.Module, other: nn.Module) -> None:
    """Take over the other's weights, but the normalisation of what was trained: its scale is no knowledge."""
    with torch.no_grad():
        for name, parameter in other.named_parameters():
            part.get_parameter(name).copy_(parameter)


def _alike(a: Crops, b: Crops) -> float:
    pairs = zip(a.reshape(len(a), -1), b.reshape(len(b), -1), strict=True)
    found = [0.0 if np.ptp(x) == 0 or np.ptp(y) == 0 else float(stats.spearmanr(x, y).statistic) for x, y in pairs]
    return float(np.mean(found))
