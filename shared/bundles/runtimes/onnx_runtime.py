"""ONNX Runtime, on CPU or on a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.bundles.runtimes.port import CROP, HEAT, PROBABILITY, RuntimeChoice, RuntimeMissingError

CPU_PROVIDER = "CPUExecutionProvider"
CUDA_PROVIDER = "CUDAExecutionProvider"


class OnnxRuntime:
    """``NetworkRuntime`` over ONNX Runtime. What precision it has stands in the graph itself."""

    def __init__(self, graph: bytes, choice: RuntimeChoice, precision: str = "float32") -> None:
        import onnxruntime

        self.precision = precision
        provider = CUDA_PROVIDER if choice.engine == "cuda" else CPU_PROVIDER
        if provider not in onnxruntime.get_available_providers():
            raise RuntimeMissingError(choice.engine, f"this ONNX Runtime has no {provider}; install onnxruntime-gpu")
        self.name = f"onnxruntime {onnxruntime.__version__} {provider}"
        self._session = self._opened(onnxruntime, graph, choice, provider)

    @staticmethod
    def _opened(onnxruntime: Any, graph: bytes, choice: RuntimeChoice, provider: str) -> Any:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = choice.cores
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        # TensorFloat-32 would round what is called float32 to ten bits.
        settings = {"use_tf32": "0"} if provider == CUDA_PROVIDER else {}
        try:
            session = onnxruntime.InferenceSession(graph, options, providers=[(provider, settings)])
        except Exception as error:  # ONNX Runtime's errors share no base class of their own
            raise RuntimeMissingError(choice.engine, f"it cannot load the graph ({type(error).__name__})") from error
        if session.get_providers()[0] != provider:  # it falls back to the CPU without a word
            raise RuntimeMissingError(choice.engine, f"{provider} did not start; is there a GPU with its driver?")
        return session

    def run(self, crops: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return probability and heat, in the shapes of the graph."""
        probability, heat = self._session.run([PROBABILITY, HEAT], {CROP: crops})
        return probability, heat
