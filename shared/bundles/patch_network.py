"""A bundle's network of patches on the engine chosen here, served only after its golden patches gave what they must."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from shared.bundles.errors import BundleRefusedError
from shared.bundles.runtimes.opening import open_network
from shared.bundles.runtimes.port import NetworkRuntime, Precision, RuntimeChoice, RuntimeMissingError
from shared.bundles.slides import PatchGolden, SlidesPart
from shared.bundles.verify import Verified
from shared.predictors.slides import PatchLooks

CLASSES = 3
_CHOOSE = "choose another runtime or precision in the worker's configuration, or have the bundle built for this one"
_REBUILD = "have the bundle built again"


class PatchNetwork:
    """The patch network of one bundle, loaded."""

    def __init__(self, bundle: Verified, part: SlidesPart, choice: RuntimeChoice) -> None:
        self._side = part.input_px
        self._cells = part.heat_cells
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

    def look_at(self, patches: NDArray[np.float32]) -> PatchLooks:
        """Judge patches (n, 3, input_px, input_px).

        Raises:
            ValueError: If they have another shape.
        """
        if patches.shape[1:] != (3, self._side, self._side):
            raise ValueError(f"the network takes patches of (3, {self._side}, {self._side}), not {patches.shape[1:]}")
        probability, heat = self._runtime.run(np.ascontiguousarray(patches, dtype=np.float32))
        return PatchLooks(probability, heat, self.runtime, self.precision)

    def _check(self, bundle: Verified, part: SlidesPart, golden: PatchGolden) -> None:
        looks = self.look_at(_patch(bundle, golden, self._side)[None])
        as_stated = (looks.probabilities.shape, looks.heat.shape) == ((1, CLASSES), (1, self._cells, self._cells))
        where = f"its golden patch {golden.patch} on {self.runtime}, {self.precision}"
        if not as_stated or not np.isfinite(looks.heat).all():
            raise BundleRefusedError(bundle.manifest.id, f"{where} gives another shape, or no numbers", _CHOOSE)
        allowed = max(golden.tolerance, _measured_drift(part, self.precision))
        difference = float(np.abs(looks.probabilities[0].astype(np.float64) - golden.probabilities).max())
        if not difference <= allowed:
            stated = ", ".join(f"{one:.6g}" for one in golden.probabilities)
            given = ", ".join(f"{one:.6g}" for one in looks.probabilities[0])
            raise BundleRefusedError(bundle.manifest.id, f"{where} gives {given}, not {stated}", _CHOOSE)


def admitted(part: SlidesPart, choice: RuntimeChoice) -> tuple[Precision, str]:
    """Return the precision to compute in and the graph's file: what is wished for, where the bundle admits it."""
    for one in part.precisions:
        if one.precision == choice.precision:
            return one.precision, one.graph
    return "float32", part.graph


def _measured_drift(part: SlidesPart, precision: str) -> float:
    return max((one.largest_difference for one in part.precisions if one.precision == precision), default=0.0)


def _patch(bundle: Verified, golden: PatchGolden, side: int) -> NDArray[np.float32]:
    try:
        patch: NDArray[np.float32] = np.load(io.BytesIO(bundle.files[golden.patch]), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise BundleRefusedError(bundle.manifest.id, f"{golden.patch} is no NumPy file", _REBUILD) from error
    if patch.shape != (3, side, side) or patch.dtype != np.float32:
        raise BundleRefusedError(bundle.manifest.id, f"{golden.patch} is no patch its network takes", _REBUILD)
    return patch
