"""A verified graph in ONNX Runtime, served only after its golden inputs gave their outputs here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shared.bundles.errors import BundleRefusedError
from shared.bundles.manifest import Golden, Manifest
from shared.bundles.survival import hazards_of, inputs_of
from shared.bundles.verify import Verified
from shared.domain.errors import InvalidInputError
from shared.domain.prediction import BundleReference, Outcome
from shared.predictors.hazards.columns import columns
from shared.predictors.hazards.model import Hazards, ModelInput
from shared.predictors.hazards.risks import risk
from shared.predictors.hazards.values import model_values

PROVIDER = "CPUExecutionProvider"
INPUT = "features"
OUTPUT = "probability"

_REBUILD = "have the bundle built again"
_DIFFERENT_RUNTIME = "use the runtime version the bundle was made for, or have the bundle rebuilt for this one"


class OnnxModel:
    """``shared.predictors.contract.HazardsModel`` over ONNX Runtime on one thread; made after a fork, never before."""

    def __init__(self, bundle: Verified) -> None:
        import onnxruntime

        self._manifest = bundle.manifest
        self.reference: BundleReference = bundle.reference
        self.outcome: Outcome = bundle.manifest.outcome
        self.inputs: tuple[ModelInput, ...] = inputs_of(bundle.manifest.inputs)
        survival = bundle.manifest.survival
        self.hazards: Hazards | None = hazards_of(survival) if survival else None
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
        given = model.scores(golden.features)
        stated = golden.outputs or (golden.probability,)
        if _differ(given, stated, golden.tolerance) or _changes_level(manifest, golden, given[manifest.positive_index]):
            reason = f"its golden input {_named(golden)} gives {_shown(given)} here, not {_shown(stated)}"
            raise BundleRefusedError(manifest.id, reason, _DIFFERENT_RUNTIME)
        if model.hazards:
            _check_hazards(model, model.hazards, manifest.id, golden)


def _check_hazards(model: OnnxModel, hazards: Hazards, bundle_id: str, golden: Golden) -> None:
    """Refuse a printed Cox model that is not the graph: points and intervals come from one, risks from the other."""
    try:
        made = columns(hazards, model_values(model.inputs, golden.inputs))
    except InvalidInputError as error:
        reason = f"its golden input {_named(golden)} is no input of its own: {error}"
        raise BundleRefusedError(bundle_id, reason, _REBUILD) from error
    if any(abs(made[name] - value) > golden.tolerance for name, value in golden.features.items()):
        reason = f"its golden input {_named(golden)} makes other features than it states"
        raise BundleRefusedError(bundle_id, reason, _REBUILD)
    printed = tuple(risk(hazards, one, golden.features) for one in hazards.given)
    if _differ(printed, model.scores(golden.features), golden.tolerance):
        reason = f"its printed Cox model and its graph disagree at the golden input {_named(golden)}"
        raise BundleRefusedError(bundle_id, reason, _REBUILD)


def _differ(given: Sequence[float], stated: Sequence[float], tolerance: float) -> bool:
    return len(given) != len(stated) or not all(abs(a - b) <= tolerance for a, b in zip(given, stated, strict=True))


def _changes_level(manifest: Manifest, golden: Golden, given: float) -> bool:
    return manifest.level(given) != manifest.level(golden.probability)


def _named(golden: Golden) -> str:
    return " ".join(f"{name}={value}" for name, value in golden.inputs.items())


def _shown(outputs: Sequence[float]) -> str:
    return ", ".join(repr(one) for one in outputs)
