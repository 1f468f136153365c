"""From a choice to an engine with a network loaded."""

from __future__ import annotations

from shared.bundles.runtimes.onnx_runtime import OnnxRuntime
from shared.bundles.runtimes.open_vino import OpenVino
from shared.bundles.runtimes.port import NetworkRuntime, Precision, RuntimeChoice, RuntimeMissingError


def open_network(graph: bytes, choice: RuntimeChoice, precision: Precision = "float32") -> NetworkRuntime:
    """Return the network loaded on the engine chosen.

    Args:
        graph: ONNX, verified.
        choice: Engine and threads; its own ``precision`` is a wish that was judged before.
        precision: What to compute in.

    Raises:
        RuntimeMissingError: If the engine is not installed, cannot load the graph, or cannot compute in ``precision``.
    """
    if choice.engine == "openvino":
        return OpenVino(graph, choice, precision)
    if precision == "bfloat16":
        raise RuntimeMissingError(choice.engine, "it computes in float32 only; choose openvino for bfloat16")
    return OnnxRuntime(graph, choice, precision)
