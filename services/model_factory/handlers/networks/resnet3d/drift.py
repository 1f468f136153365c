"""The network in a narrower arithmetic: how far from float32 it is, measured, and whether a bundle may admit it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.model_factory.handlers.networks.resnet3d.augmentation import Crops
from shared.bundles.runtimes.opening import open_network
from shared.bundles.runtimes.port import NetworkRuntime, Precision, RuntimeChoice

GATE = 0.01
"""Largest difference of a probability that is admitted: results are printed in whole percent."""
LEAST_CROPS = 30
"""Fewer show too little of what a network meets."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What was measured."""

    precision: Precision
    runtime: str
    largest_difference: float
    """max |difference of probability| to float32 on the same engine."""
    n: int
    heat_correlation: float
    """Smallest Pearson correlation of a crop's heat with that of float32."""

    @property
    def admitted(self) -> bool:
        """Tell whether a bundle may say that it can be served so."""
        return self.n >= LEAST_CROPS and self.largest_difference <= GATE


def measured_drift(graph: bytes, crops: Crops, precision: Precision = "bfloat16") -> Drift | None:
    """Compare a graph's answers in ``precision`` with those in float32, both on OpenVINO.

    Args:
        graph: As exported.
        crops: Those of patients the network did not learn from say most.
        precision: To be measured.

    Returns:
        What was found; None where this processor has no such arithmetic, so that nothing can be measured.
    """
    wide = open_network(graph, RuntimeChoice("openvino"))
    narrow = open_network(graph, RuntimeChoice("openvino", precision), precision)
    if narrow.precision != precision:
        return None
    pairs = [(_looked(wide, crop), _looked(narrow, crop)) for crop in crops]
    largest = max((abs(a[0] - b[0]) for a, b in pairs), default=0.0)
    alike = min((_correlation(a[1], b[1]) for a, b in pairs), default=1.0)
    return Drift(precision, narrow.name, largest, len(pairs), alike)


def _looked(runtime: NetworkRuntime, crop: Crops) -> tuple[float, Crops]:
    probability, heat = runtime.run(crop[None])
    return float(probability[0]), heat[0]


def _correlation(a: Crops, b: Crops) -> float:
    if float(a.std()) == 0.0 or float(b.std()) == 0.0:
        return 1.0 if np.allclose(a, b) else 0.0
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
