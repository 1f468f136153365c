"""A bundle's network of patches, served only after its golden patches gave what they must."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.bundles.opened_network import OpenedNetwork, golden_input, refused
from shared.bundles.runtimes.port import RuntimeChoice
from shared.bundles.slides import PatchGolden, SlidesPart
from shared.bundles.verify import Verified
from shared.predictors.slides import PatchLooks

CLASSES = 3


class PatchNetwork(OpenedNetwork):
    """The patch network of one bundle, loaded."""

    def __init__(self, bundle: Verified, part: SlidesPart, choice: RuntimeChoice) -> None:
        super().__init__(bundle, part, choice)
        self._shape = (3, part.input_px, part.input_px)
        self._heat_shape = (1, part.heat_cells, part.heat_cells)
        for golden in part.golden:
            self._check(bundle, golden)
        self.golden = len(part.golden)

    def look_at(self, patches: NDArray[np.float32]) -> PatchLooks:
        """Judge patches (n, 3, input_px, input_px).

        Raises:
            ValueError: If they have another shape.
        """
        if patches.shape[1:] != self._shape:
            raise ValueError(f"the network takes patches of {self._shape}, not {patches.shape[1:]}")
        probability, heat = self._run(patches)
        return PatchLooks(probability, heat, self.runtime, self.precision)

    def _check(self, bundle: Verified, golden: PatchGolden) -> None:
        looks = self.look_at(golden_input(bundle, golden.patch, self._shape)[None])
        as_stated = (looks.probabilities.shape, looks.heat.shape) == ((1, CLASSES), self._heat_shape)
        where = f"its golden patch {golden.patch} on {self.runtime}, {self.precision}"
        if not as_stated or not np.isfinite(looks.heat).all():
            raise refused(bundle, f"{where} gives another shape, or no numbers")
        difference = float(np.abs(looks.probabilities[0].astype(np.float64) - golden.probabilities).max())
        if not difference <= self._allowed(golden.tolerance):
            stated = ", ".join(f"{one:.6g}" for one in golden.probabilities)
            given = ", ".join(f"{one:.6g}" for one in looks.probabilities[0])
            raise refused(bundle, f"{where} gives {given}, not {stated}")
