"""A bundle's network on the engine chosen here, served only after its golden crops gave what they must."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from shared.bundles.errors import BundleRefusedError
from shared.bundles.imaging import NetworkGolden, NetworkPart
from shared.bundles.runtimes.opening import open_network
from shared.bundles.runtimes.port import NetworkRuntime, Precision, RuntimeChoice, RuntimeMissingError
from shared.bundles.verify import Verified
from shared.predictors.imaging import Look

PEAK_SHARE = {"float32": 0.001, "bfloat16": 0.05, "int8": 0.05}
"""How far below the largest heat that of the stated peak may lie, as a share of the heat's range."""

_CHOOSE = "choose another runtime or precision in the worker's configuration, or have the bundle built for this one"
_REBUILD = "have the bundle built again"


class BundledNetwork:
    """The network of one bundle, loaded."""

    def __init__(self, bundle: Verified, part: NetworkPart, choice: RuntimeChoice) -> None:
        self._shape = part.input_shape
        self._heat_shape = part.heat_shape
        precision, graph = admitted(part, choice)
        try:
            self._runtime: NetworkRuntime = open_network(bundle.files[graph], choice, precision)
        except RuntimeMissingError as error:
            raise BundleRefusedError(bundle.manifest.id, str(error), _CHOOSE) from error
        for golden in part.golden:
            self._check(bundle, part, golden)
        self.golden = len(part.golden)

    @property
    def runtime(self) -> str:
        """Return engine, version and device."""
        return self._runtime.name

    @property
    def precision(self) -> str:
        """Return the arithmetic it computes in here."""
        return self._runtime.precision

    def look(self, crop: NDArray[np.float32]) -> Look:
        """Run the network on one crop.

        Raises:
            ValueError: If the crop has another shape.
        """
        if crop.shape != self._shape:
            raise ValueError(f"the network takes a crop of {self._shape}, not {crop.shape}")
        probability, heat = self._runtime.run(np.ascontiguousarray(crop[None], dtype=np.float32))
        return Look(float(probability[0]), heat[0], self.runtime, self.precision)

    def _check(self, bundle: Verified, part: NetworkPart, golden: NetworkGolden) -> None:
        look = self.look(_crop(bundle, golden, self._shape))
        allowed = max(golden.tolerance, _measured_drift(part, self.precision))
        difference = abs(look.probability - golden.probability)
        if not difference <= allowed:
            reason = f"its golden crop {golden.crop} gives {look.probability!r} on {self.runtime}, {self.precision}"
            raise BundleRefusedError(bundle.manifest.id, f"{reason}, not {golden.probability!r}", _CHOOSE)
        if look.heat.shape != self._heat_shape or not _peaks_at(look.heat, golden, self.precision):
            reason = f"the heat of its golden crop {golden.crop} peaks elsewhere on {self.runtime}, {self.precision}"
            raise BundleRefusedError(bundle.manifest.id, reason, _CHOOSE)


def admitted(part: NetworkPart, choice: RuntimeChoice) -> tuple[Precision, str]:
    """Return the precision to compute in and the graph's file: what is wished for, where the bundle admits it."""
    for one in part.precisions:
        if one.precision == choice.precision:
            return one.precision, one.graph
    return "float32", part.graph


def _measured_drift(part: NetworkPart, precision: str) -> float:
    return max((one.largest_difference for one in part.precisions if one.precision == precision), default=0.0)


def _peaks_at(heat: NDArray[np.float32], golden: NetworkGolden, precision: str) -> bool:
    if any(index >= n for index, n in zip(golden.heat_peak, heat.shape, strict=True)) or not np.isfinite(heat).all():
        return False
    largest, smallest = float(heat.max()), float(heat.min())
    return largest - float(heat[golden.heat_peak]) <= PEAK_SHARE[precision] * (largest - smallest)


def _crop(bundle: Verified, golden: NetworkGolden, shape: tuple[int, ...]) -> NDArray[np.float32]:
    try:
        crop: NDArray[np.float32] = np.load(io.BytesIO(bundle.files[golden.crop]), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise BundleRefusedError(bundle.manifest.id, f"{golden.crop} is no NumPy file", _REBUILD) from error
    if crop.shape != shape or crop.dtype != np.float32:
        raise BundleRefusedError(bundle.manifest.id, f"{golden.crop} is no crop its network takes", _REBUILD)
    return crop
