"""A verified bundle, loaded; served only after its golden inputs gave their outputs here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from shared.bundles.errors import BundleRefusedError
from shared.bundles.graphs import DIFFERENT_RUNTIME, TabularGraph, engine_name
from shared.bundles.imaging import Forest, contract_of
from shared.bundles.manifest import Golden, Manifest
from shared.bundles.network import BundledNetwork
from shared.bundles.patch_network import PatchNetwork
from shared.bundles.runtimes.port import DEFAULT_RUNTIME, RuntimeChoice
from shared.bundles.slides import contract_of as slides_of
from shared.bundles.survival import hazards_of, inputs_of
from shared.bundles.verify import Verified
from shared.domain.errors import InvalidInputError
from shared.domain.prediction import BundleReference, Outcome
from shared.predictors.hazards.columns import columns
from shared.predictors.hazards.model import Hazards, ModelInput
from shared.predictors.hazards.risks import risk
from shared.predictors.hazards.values import model_values
from shared.predictors.imaging import ImagingContract, Look
from shared.predictors.slides import PatchLooks, SlideContract

LOGISTIC, FOREST = "logistic", "forest"
_Z = NormalDist().inv_cdf(0.975)

_REBUILD = "have the bundle built again"


class OnnxModel:
    """``shared.predictors.contract.HazardsModel``, ``ImageModel``, ``SlideModel``; made after a fork, never before.

    Graphs of named columns run in ONNX Runtime on one thread, the network on what the site has chosen.
    """

    def __init__(self, bundle: Verified, choice: RuntimeChoice = DEFAULT_RUNTIME) -> None:
        manifest = self._manifest = bundle.manifest
        self.reference: BundleReference = bundle.reference
        self.outcome: Outcome = manifest.outcome
        self.inputs: tuple[ModelInput, ...] = inputs_of(manifest.inputs)
        self.hazards: Hazards | None = hazards_of(manifest.survival) if manifest.survival else None
        self.imaging: ImagingContract | None = contract_of(manifest.imaging) if manifest.imaging else None
        self.slides: SlideContract | None = slides_of(manifest.slides) if manifest.slides else None
        self.precision: str = manifest.precision
        self.runtime: str = engine_name()
        self._graph = TabularGraph(manifest.id, bundle.graph, manifest.features, manifest.precision)
        self._forest = _forest(bundle, manifest.forest) if manifest.forest else None
        _check_golden(self, manifest)
        part = manifest.imaging.network if manifest.imaging else None
        self.network: BundledNetwork | None = BundledNetwork(bundle, part, choice) if part else None
        patches = manifest.slides
        self._open_patches = partial(PatchNetwork, bundle, patches, choice) if patches else None

    @property
    def classifiers(self) -> tuple[str, ...]:
        """Return the classifiers there are, the default one first; none where the bundle holds a Cox model."""
        if self.hazards:
            return ()
        return (LOGISTIC, FOREST) if self._forest else (LOGISTIC,)

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
        return self._graph.outputs(features)

    def probability(self, features: Mapping[str, float], classifier: str) -> float:
        """Return the probability of ``outcome.positive_class`` by one of ``classifiers``.

        Raises:
            ValueError: If there is no such classifier, or ``features`` does not name exactly the graph's columns.
        """
        if classifier not in self.classifiers:
            raise ValueError(f"the bundle has no classifier {classifier}; it has {', '.join(self.classifiers)}")
        if classifier == FOREST and self._forest:
            return self._forest.outputs(features)[0]
        return self.score(features)

    def interval(self, features: Mapping[str, float]) -> tuple[float, float] | None:
        """Return the 95 % interval of ``score`` by the covariance of the coefficients, on the scale of log odds.

        None where the bundle states no covariance.

        Raises:
            ValueError: If ``features`` does not name exactly the graph's columns.
        """
        logistic = self._manifest.logistic
        if logistic is None or not logistic.covariance:
            return None
        probability = self.score(features)
        row = np.array([1.0, *(features[one.feature] for one in logistic.coefficients)])
        half = _Z * math.sqrt(max(0.0, float(row @ np.array(logistic.covariance) @ row)))
        middle = math.log(probability) - math.log1p(-probability)
        return _expit(middle - half), _expit(middle + half)

    def look(self, crop: NDArray[np.float32]) -> Look:
        """Run the network on one crop of ``imaging.network.input_shape``, normalised as it says.

        Raises:
            ValueError: If the bundle has no network, or the crop another shape.
        """
        if self.network is None:
            raise ValueError("the bundle has no network")
        return self.network.look(crop)

    @cached_property
    def patch_network(self) -> PatchNetwork | None:
        """Return the network of patches, loaded at its first use: patches judged before are aggregated without it.

        Raises:
            BundleRefusedError: If it gives other numbers here than it must.
        """
        made = self._open_patches() if self._open_patches else None
        self._open_patches = None  # it holds the bytes of the graph, which the engine has by now
        return made

    def look_at(self, patches: NDArray[np.float32]) -> PatchLooks:
        """Judge patches (n, 3, input_px, input_px), normalised as ``slides.patches`` says.

        Raises:
            ValueError: If the bundle has no such network, or the patches another shape.
            BundleRefusedError: If it gives other numbers here than it must.
        """
        if self.patch_network is None:
            raise ValueError("the bundle has no network of patches")
        return self.patch_network.look_at(patches)


def _forest(bundle: Verified, part: Forest) -> TabularGraph:
    """Open the random forest once it gave what it must at every golden input."""
    manifest = bundle.manifest
    forest = TabularGraph(manifest.id, bundle.files[part.graph], manifest.features, part.precision)
    for golden, stated in zip(manifest.golden, part.golden, strict=True):
        given = forest.outputs(golden.features)
        if _differ(given, (stated,), part.tolerance):
            reason = f"its forest gives {_shown(given)} here at the golden input {_named(golden)}, not {stated!r}"
            raise BundleRefusedError(manifest.id, reason, DIFFERENT_RUNTIME)
    return forest


def _expit(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))


def _check_golden(model: OnnxModel, manifest: Manifest) -> None:
    for golden in manifest.golden:
        given = model.scores(golden.features)
        stated = golden.outputs or (golden.probability,)
        if _differ(given, stated, golden.tolerance) or _changes_level(manifest, golden, given[manifest.positive_index]):
            reason = f"its golden input {_named(golden)} gives {_shown(given)} here, not {_shown(stated)}"
            raise BundleRefusedError(manifest.id, reason, DIFFERENT_RUNTIME)
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
