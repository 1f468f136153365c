"""A bundle's network of crops, served only after its golden crops gave what they must."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.bundles.imaging import NetworkGolden, NetworkPart
from shared.bundles.opened_network import OpenedNetwork, golden_input, refused
from shared.bundles.runtimes.port import RuntimeChoice
from shared.bundles.verify import Verified
from shared.predictors.imaging import Look

PEAK_SHARE = {"float32": 0.001, "bfloat16": 0.05, "int8": 0.05}
"""How far below the largest heat that of the stated peak may lie, as a share of the heat's range."""


class BundledNetwork(OpenedNetwork):
    """The network of one bundle, loaded."""

    def __init__(self, bundle: Verified, part: NetworkPart, choice: RuntimeChoice) -> None:
        super().__init__(bundle, part, choice)
        self._shape = part.input_shape
        self._heat_shape = part.heat_shape
        for golden in part.golden:
            self._check(bundle, golden)
        self.golden = len(part.golden)

    def look(self, crop: NDArray[np.float32]) -> Look:
        """Run the network on one crop.

        Raises:
            ValueError: If the crop has another shape.
        """
        if crop.shape != self._shape:
            raise ValueError(f"the network takes a crop of {self._shape}, not {crop.shape}")
        probability, heat = self._run(crop[None])
        return Look(float(probability[0]), heat[0], self.runtime, self.precision)

    def _check(self, bundle: Verified, golden: NetworkGolden) -> None:
        look = self.look(golden_input(bundle, golden.crop, self._shape))
        difference = abs(look.probability - golden.probability)
        if not difference <= self._allowed(golden.tolerance):
            reason = f"its golden crop {golden.crop} gives {look.probability!r} on {self.runtime}, {self.precision}"
            raise refused(bundle, f"{reason}, not {golden.probability!r}")
        if look.heat.shape != self._heat_shape or not _peaks_at(look.heat, golden, self.precision):
            raise refused(
                bundle, f"the heat of its golden crop {golden.crop} peaks elsewhere on {self.runtime}, {self.precision}"
            )


def _peaks_at(heat: NDArray[np.float32], golden: NetworkGolden, precision: str) -> bool:
    if any(index >= n for index, n in zip(golden.heat_peak, heat.shape, strict=True)) or not np.isfinite(heat).all():
        return False
    largest, smallest = float(heat.max()), float(heat.min())
    return largest - float(heat[golden.heat_peak]) <= PEAK_SHARE[precision] * (largest - smallest)
