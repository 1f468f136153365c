"""A slide as a graph: Lu W. et al., Med Image Anal 2022;80:102486 (SlideGraph+), written from the paper's text.

Patches that lie together and look alike become one node (average linkage on 1 - spatial kernel * feature kernel); nodes
are joined by Delaunay triangulation where they lie near enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial import Delaunay, QhullError
from scipy.spatial.distance import pdist

from services.model_factory.handlers.comparators.bags import Floats

SPATIAL_UM, FEATURE_SCALE = 500.0, 1.0
"""Distance at which the spatial kernel, and that of the features (root mean square per feature), fall to 1 / e."""
UNLIKE = 0.8
"""Average dissimilarity above which clusters stay apart."""
JOINED_UM = 2000.0
"""The paper joins within 4000 pixels at x40 and lower powers; half a micrometre each."""


@dataclass(frozen=True, slots=True, eq=False)
class SlideGraph:
    """One slide."""

    nodes: Floats
    """(n, width): mean features of each node's patches."""
    edges: NDArray[np.int64]
    """(2, e): from, to; both ways."""
    positive: bool


def graph_of(features: Floats, places_um: NDArray[np.float64], *, positive: bool) -> SlideGraph:
    """Return the graph of a slide's patches (features on one scale)."""
    cluster = clusters(features, places_um)
    count = int(cluster.max()) + 1
    weight = np.bincount(cluster, minlength=count)[:, None].astype(np.float64)
    nodes, middles = np.zeros((count, features.shape[1])), np.zeros((count, 2))
    np.add.at(nodes, cluster, features)
    np.add.at(middles, cluster, places_um)
    return SlideGraph((nodes / weight).astype(np.float32), joined(middles / weight), positive)


def clusters(features: Floats, places_um: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the node of every patch, numbered from 0."""
    if len(features) == 1:
        return np.zeros(1, dtype=np.intp)
    look = pdist(features.astype(np.float64)) / np.sqrt(features.shape[1])
    alike = np.exp(-pdist(places_um) / SPATIAL_UM - look / FEATURE_SCALE)
    found: NDArray[np.intp] = fcluster(linkage(1.0 - alike, "average"), UNLIKE, "distance").astype(np.intp) - 1
    return found


def joined(middles_um: NDArray[np.float64], within_um: float = JOINED_UM) -> NDArray[np.int64]:
    """Return the edges between nodes: Delaunay's, those longer than ``within_um`` left out; a line is joined in order.

    A node without any neighbour is joined to itself, so that it is heard.
    """
    pairs = {(a, b) for a, b in _pairs(middles_um) if np.linalg.norm(middles_um[a] - middles_um[b]) <= within_um}
    both = pairs | {(b, a) for a, b in pairs}
    alone = set(range(len(middles_um))) - {a for a, _ in both}
    edges = sorted(both | {(one, one) for one in alone})
    return np.array(edges, dtype=np.int64).T


def _pairs(middles: NDArray[np.float64]) -> set[tuple[int, int]]:
    """Return the edges of the triangulation; of points on one line, those of neighbours."""
    try:
        corners = Delaunay(middles).simplices.tolist() if len(middles) > 2 else []
    except QhullError:
        corners = []
    if corners:
        return {(int(min(a, b)), int(max(a, b))) for one in corners for a, b in zip(one, np.roll(one, 1), strict=True)}
    order = np.lexsort(middles.T)
    return {(int(a), int(b)) for a, b in pairwise(order)}
