"""An exported patch graph says what the network says, or it is not exported."""

from __future__ import annotations

from services.model_factory.handlers.networks.loop import AT_ONCE
from services.model_factory.handlers.networks.parity import refuse_disparity
from services.model_factory.handlers.networks.swin import looking
from services.model_factory.handlers.networks.swin.graph import swin_graph
from services.model_factory.handlers.networks.swin.looking import Patches
from services.model_factory.handlers.networks.swin.network import SwinTransformer

HEAT_TOLERANCE = 1e-3
"""Of the largest heat."""


def checked_graph(network: SwinTransformer, patches: Patches | None = None) -> bytes:
    """Return the network's graph after ONNX Runtime gave what torch gives, on made-up patches and on ``patches``.

    Raises:
        ParityError: If it gives something else.
    """
    graph = swin_graph(network)

    def says(some: Patches) -> tuple[Patches, Patches]:
        return looking.probabilities(network, some), looking.heat(network, some)

    refuse_disparity(graph, network.architecture.input_shape, patches, says, HEAT_TOLERANCE, AT_ONCE)
    return graph
