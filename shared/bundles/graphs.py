"""A graph of named columns in ONNX Runtime on one thread: the logistic regression, the Cox model, the forest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shared.bundles.errors import BundleRefusedError

PROVIDER = "CPUExecutionProvider"
INPUT = "features"
OUTPUT = "probability"

DIFFERENT_RUNTIME = "use the runtime version the bundle was made for, or have the bundle rebuilt for this one"


class TabularGraph:
    """One graph ``features`` [rows, columns] -> ``probability`` [rows, outputs]; made after a fork, never before."""

    def __init__(self, bundle_id: str, graph: bytes, features: Sequence[str], precision: str) -> None:
        self._features = tuple(features)
        self._dtype = np.float64 if precision == "float64" else np.float32
        self._session = _session(bundle_id, graph)

    def outputs(self, features: Mapping[str, float]) -> tuple[float, ...]:
        """Return every output for one row.

        Raises:
            ValueError: If ``features`` does not name exactly the graph's columns.
        """
        if set(features) != set(self._features):
            raise ValueError("the features are not those of the bundle")
        row = np.array([[features[name] for name in self._features]], dtype=self._dtype)
        output = self._session.run([OUTPUT], {INPUT: row})[0]
        return tuple(float(value) for value in output[0])


def engine_name() -> str:
    """Return engine, version and provider."""
    import onnxruntime

    return f"onnxruntime {onnxruntime.__version__} {PROVIDER}"


def _session(bundle_id: str, graph: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(graph, options, providers=[PROVIDER])
    except Exception as error:  # ONNX Runtime's errors share no base class of their own
        reason = f"this runtime (onnxruntime {onnxruntime.__version__}) cannot load its graph"
        raise BundleRefusedError(bundle_id, reason, DIFFERENT_RUNTIME) from error
