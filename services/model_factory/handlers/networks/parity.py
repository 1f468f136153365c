"""An exported graph says what its network says, or it is not exported."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from shared.bundles.runtimes.opening import open_network
from shared.bundles.runtimes.port import RuntimeChoice
from shared.domain.errors import PermanentError

PROBABILITY_TOLERANCE = 1e-5
MADE_UP = 2

Inputs = NDArray[np.float32]
Says = Callable[[Inputs], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Returns probability and heat of a batch."""


class ParityError(PermanentError):
    """The ONNX graph and the network disagree."""


def refuse_disparity(
    graph: bytes, shape: tuple[int, ...], inputs: Inputs | None, says: Says, heat_tolerance: float, at_once: int
) -> None:
    """Compare what ONNX Runtime says of the graph with what torch says, on made-up inputs and on ``inputs``.

    Args:
        graph: ONNX.
        shape: Of one input.
        inputs: (n, *shape), of any floating type; None: made-up ones only.
        says: The network in torch.
        heat_tolerance: Share of the largest heat.
        at_once: Inputs in a batch.

    Raises:
        ParityError: If they differ.
    """
    runtime = open_network(graph, RuntimeChoice())
    made_up = np.random.default_rng(0).standard_normal((MADE_UP, *shape), dtype=np.float32)
    for some in (made_up, inputs if inputs is not None else made_up[:0]):
        for start in range(0, len(some), at_once):
            batch = np.ascontiguousarray(some[start : start + at_once], dtype=np.float32)
            _compare(runtime.run(batch), says(batch), heat_tolerance)


def _compare(there: tuple[Inputs, Inputs], here: tuple[Inputs, Inputs], heat_tolerance: float) -> None:
    difference = float(np.abs(there[0] - here[0]).max())
    apart = float(np.abs(there[1] - here[1]).max()) / max(float(np.abs(here[1]).max()), 1e-12)
    if not (difference <= PROBABILITY_TOLERANCE and apart <= heat_tolerance):
        raise ParityError(f"ONNX Runtime is {difference:.1e} from torch in probability and {apart:.1e} in heat")
