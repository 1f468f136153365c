"""A verified graph in ONNX Runtime, served only after its golden inputs gave their outputs here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from shared.bundles.errors import BundleRefusedError
from shared.bundles.manifest import Golden, Manifest
from shared.bundles.verify import Verified
from shared.domain.prediction import BundleReference, Outcome

PROVIDER = "CPUExecutionProvider"
INPUT = "features"
OUTPUT = "probability"

_DIFFERENT_RUNTIME = "use the runtime version the bundle was made for, or have the bundle rebuilt for this one"


class OnnxModel:
    """``shared.predictors.contract.Model`` over ONNX Runtime on one thread; made after a fork, never before."""

    def __init__(self, bundle: Verified) -> None:
        import onnxruntime

        self._manifest = bundle.manifest
        self.reference: BundleReference = bundle.reference
        self.outcome: Outcome = bundle.manifest.outcome
        self.precision: str = bundle.manifest.precision
        self.runtime: str = f"onnxruntime {onnxruntime.__version__} {PROVIDER}"
        self._dtype = np.float64 if bundle.manifest.precision == "float64" else np.float32
        self._session = _session(bundle)
        _check_golden(self, bundle.manifest)

    def score(self, features: Mapping[str, float]) -> float:
        """Return the probability of ``outcome.positive_class`` for one row of named features.

        Raises:
            ValueError: If ``features`` does not name exactly the graph's columns.
        """
        return self.scores(features)[self._manifest.positive_index]

    def scores(self, features: Mapping[str, float]) -> tuple[float, ...]:
        """Return every output of the graph for one row of named features, in the order of its index.

        Raises:
            ValueError: If ``features`` does not name exactly the graph's columns.
        """
        if set(features) != set(self._manifest.features):
            raise ValueError("the features are not those of the bundle")
        row = np.array([[features[name] for name in self._manifest.features]], dtype=self._dtype)
        output = self._session.run([OUTPUT], {INPUT: row})[0]
        return tuple(float(value) for value in output[0])


def _session(bundle: Verified) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(bundle.graph, options, providers=[PROVIDER])
    except Exception as error:  # ONNX Runtime's errors share no base class of their own
        reason = f"this runtime (onnxruntime {onnxruntime.__version__}) cannot load its graph"
        raise BundleRefusedError(bundle.manifest.id, reason, _DIFFERENT_RUNTIME) from error


def _check_golden(model: OnnxModel, manifest: Manifest) -> None:
    for golden in manifest.golden:
        given = model.score(golden.features)
        if not abs(given - golden.probability) <= golden.tolerance or _changes_level(manifest, golden, given):
            stated = " ".join(f"{name}={value}" for name, value in golden.inputs.items())
            reason = f"its golden input {stated} gives {given!r} here, not {golden.probability!r}"
            raise BundleRefusedError(manifest.id, reason, _DIFFERENT_RUNTIME)


def _changes_level(manifest: Manifest, golden: Golden, given: float) -> bool:
    return manifest.level(given) != manifest.level(golden.probability)
