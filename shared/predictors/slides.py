"""What a bundle says about slides: how patches are cut, stained and judged, and what the model has seen. Values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.domain.slides import AreaReading, Cropping, Rounding, SlidePolicy
from shared.pathology.patch_contract import PatchContract


@dataclass(frozen=True, slots=True)
class SlideContract:
    """Everything her2 needs of a bundle besides the graph that turns a score into a probability."""

    patches: PatchContract
    coarsest_um: float
    """A slide with more micrometres per pixel than this is refused: resolution too low."""
    scanners: tuple[str, ...]
    """``manufacturer model`` of the training slides; another one is unknown and is said to be."""
    cropping: Cropping = Cropping.MICROMETRES
    area_reading: AreaReading = AreaReading.TUMOUR
    rounding: Rounding = Rounding.FLOOR
    """How the scores were made that the curve to the probability, and a scanner's record, rest on."""

    def speaks_of(self, policy: SlidePolicy) -> bool:
        """Tell whether a site that reads the paper so makes the very scores the curve and the records rest on."""
        own = (self.cropping, self.area_reading, self.rounding)
        return own == (policy.cropping, policy.area_reading, policy.rounding)


@dataclass(frozen=True, slots=True, eq=False)
class PatchLooks:
    """What the network says of a batch of patches."""

    probabilities: NDArray[np.float32]
    """(n, 3): non-tumour, negative, positive."""
    heat: NDArray[np.float32]
    """(n, cells, cells): class-weighted sum of the last maps for the positive class, not yet cut at zero."""
    runtime: str
    precision: str
