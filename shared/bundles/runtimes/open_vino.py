"""OpenVINO on CPU: the extra ``openvino``; several times faster where the processor knows bfloat16."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.bundles.runtimes.port import CROP, HEAT, PROBABILITY, Precision, RuntimeChoice, RuntimeMissingError

_HINT = {"float32": "f32", "bfloat16": "bf16", "int8": "f32"}
"""Inference precision asked for; an int8 graph carries its own quantisation, and the rest of it stays float32."""
_SAID = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}


class OpenVino:
    """``NetworkRuntime`` over OpenVINO."""

    def __init__(self, graph: bytes, choice: RuntimeChoice, precision: Precision = "float32") -> None:
        openvino = _imported()
        self.name = f"openvino {openvino.__version__.split('-')[0]} CPU"
        self._compiled = self._opened(openvino, graph, choice, precision)
        self._request = self._compiled.create_infer_request()
        # A processor without bfloat16 computes in float32 and says so.
        hint = self._compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        self.precision = precision if precision == "int8" else _SAID.get(hint, hint)

    @staticmethod
    def _opened(openvino: Any, graph: bytes, choice: RuntimeChoice, precision: Precision) -> Any:
        settings = {
            "INFERENCE_PRECISION_HINT": _HINT[precision],
            "INFERENCE_NUM_THREADS": choice.cores,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            # Weights in less than the precision asked for would be a second, unmeasured rounding.
            "EXECUTION_MODE_HINT": "ACCURACY",
        }
        core = openvino.Core()
        try:
            return core.compile_model(core.read_model(graph, b""), "CPU", settings)
        except RuntimeError as error:
            raise RuntimeMissingError("openvino", f"it cannot load the graph ({type(error).__name__})") from error

    def run(self, crops: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return probability and heat, in the shapes of the graph."""
        answer = self._request.infer({CROP: crops})
        return np.array(answer[PROBABILITY]), np.array(answer[HEAT])


def _imported() -> Any:
    """Import OpenVINO without its telemetry: it would tell a server outside that it was imported, without asking."""
    silenced: dict[str, Any] = sys.modules  # None is how a module is kept from being found
    silenced.setdefault("openvino_telemetry", None)
    try:
        import openvino
    except ImportError as error:
        raise RuntimeMissingError("openvino", "it is not installed; install oncorelay[openvino]") from error
    return openvino
