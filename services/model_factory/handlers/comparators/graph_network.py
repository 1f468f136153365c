"""Graph MIL: EdgeConv layers over a slide's graph, scored at every layer (SlideGraph+; EdgeConv: Wang et al. 2019).

Lu W. et al., Med Image Anal 2022;80:102486; Wang et al., ACM Trans Graph 2019;38:146. Written from the papers' text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from services.model_factory.handlers.comparators.graph_building import SlideGraph

LAYERS = (16, 16, 8)
"""Widths of the linear layer and of the two EdgeConv layers behind it."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Graphs side by side."""

    nodes: Tensor
    edges: Tensor
    """[2, e]: from, to."""
    graph: Tensor
    """[n]: whose node."""
    count: int


def batch_of(graphs: Sequence[SlideGraph]) -> Batch:
    """Return graphs as one without edges between them."""
    sizes = [len(one.nodes) for one in graphs]
    starts = np.cumsum([0, *sizes[:-1]])
    edges = np.concatenate([one.edges + start for one, start in zip(graphs, starts, strict=True)], axis=1)
    nodes = torch.from_numpy(np.concatenate([one.nodes for one in graphs]))
    graph = torch.from_numpy(np.repeat(np.arange(len(graphs)), sizes))
    return Batch(nodes, torch.from_numpy(edges), graph, len(graphs))


class EdgeConv(nn.Module):
    """Node features -> mean over neighbours u of H(own, u - own), H a layer with normalisation and ReLU."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.h = nn.Sequential(nn.Linear(2 * inside, outside), nn.BatchNorm1d(outside), nn.ReLU())

    def forward(self, nodes: Tensor, edges: Tensor) -> Tensor:
        """Return the new features of nodes [n, inside] with edges [2, e]."""
        neighbour, own = edges
        messages = self.h(torch.cat([nodes[own], nodes[neighbour] - nodes[own]], dim=1))
        return mean_by(messages, own, len(nodes))


class GraphNetwork(nn.Module):
    """Graphs -> one score each: the mean over nodes of the sum of what every layer says of them."""

    def __init__(self, width: int, layers: tuple[int, ...] = LAYERS) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Linear(width, layers[0]), nn.BatchNorm1d(layers[0]), nn.ReLU())
        self.convolutions = nn.ModuleList(EdgeConv(a, b) for a, b in pairwise(layers))
        self.says = nn.ModuleList(nn.Linear(one, 1) for one in layers)

    def forward(self, batch: Batch) -> Tensor:
        """Return the scores [graphs]."""
        return mean_by(self.node_scores(batch), batch.graph, batch.count)[:, 0]

    def node_scores(self, batch: Batch) -> Tensor:
        """Return what is said of every node [n, 1]."""
        nodes = self.first(batch.nodes)
        said: Tensor = self.says[0](nodes)
        for convolution, says in zip(self.convolutions, list(self.says)[1:], strict=True):
            nodes = convolution(nodes, batch.edges)
            said = said + says(nodes)
        return said


def mean_by(values: Tensor, group: Tensor, count: int) -> Tensor:
    """Return the mean of the rows of every group [count, width]; zero for an empty one."""
    total = torch.zeros(count, values.shape[1], dtype=values.dtype).index_add(0, group, values)
    size = torch.bincount(group, minlength=count).clamp(min=1)
    return total / size[:, None]


def ranking_loss(scores: Tensor, positive: Tensor) -> Tensor:
    """Return the mean of max(0, 1 - (positive's score - negative's)) over all pairs (SlideGraph+, its loss)."""
    gap = scores[positive][:, None] - scores[~positive][None, :]
    return torch.clamp(1.0 - gap, min=0.0).mean()
