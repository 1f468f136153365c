"""An exported patch graph says what the network says, or it is not exported."""

from __future__ import annotations

import numpy as np

from services.model_factory.handlers.networks.loop import AT_ONCE
from services.model_factory.handlers.networks.parity import ParityError
from services.model_factory.handlers.networks.swin import looking
from services.model_factory.handlers.networks.swin.graph import swin_graph
from services.model_factory.handlers.networks.swin.looking import Patches
from services.model_factory.handlers.networks.swin.network import SwinTransformer
from shared.bundles.runtimes.opening import open_network
from shared.bundles.runtimes.port import RuntimeChoice

PROBABILITY_TOLERANCE = 1e-5
HEAT_TOLERANCE = 1e-3
"""Of the largest heat."""
MADE_UP = 2


def checked_graph(network: SwinTransformer, patches: Patches | None = None) -> bytes:
    """Return the network's graph after ONNX Runtime gave what torch gives, on made-up patches and on ``patches``.

    Raises:
        ParityError: If it gives something else.
    """
    graph = swin_graph(network)
    runtime = open_network(graph, RuntimeChoice())
    shape = network.architecture.input_shape
    made_up = np.random.default_rng(0).standard_normal((MADE_UP, *shape), dtype=np.float32)
    for some in [made_up, *([] if patches is None else _batches(patches))]:
        _check(network, some, *runtime.run(some))
    return graph


def _batches(patches: Patches) -> list[Patches]:
    starts = range(0, len(patches), AT_ONCE)
    return [np.ascontiguousarray(patches[start : start + AT_ONCE], dtype=np.float32) for start in starts]


def _check(network: SwinTransformer, patches: Patches, probability: Patches, heat: Patches) -> None:
    difference = float(np.abs(probability - looking.probabilities(network, patches)).max())
    expected = looking.heat(network, patches)
    apart = float(np.abs(heat - expected).max()) / max(float(np.abs(expected).max()), 1e-12)
    if not (difference <= PROBABILITY_TOLERANCE and apart <= HEAT_TOLERANCE):
        raise ParityError(f"ONNX Runtime is {difference:.1e} from torch in probability and {apart:.1e} in heat")
