"""The patches of one slide with what the network said of each: all that aggregation, heatmaps and exports need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.pathology.grid import CropGrid

NON_TUMOUR, NEGATIVE, POSITIVE = 0, 1, 2
"""Columns of ``probabilities``: non-tumour, tumour of a HER2- slide, tumour of a HER2+ slide (paper 003)."""


@dataclass(frozen=True, slots=True, eq=False)
class PatchTable:
    """One row per patch that has tissue and passed the background rule, in the grid's order."""

    grid: CropGrid
    index: NDArray[np.int32]
    """(n,): place in the grid."""
    probabilities: NDArray[np.float32]
    """(n, 3): softmax over NON_TUMOUR, NEGATIVE, POSITIVE."""
    tissue: NDArray[np.float32]
    """(n,): share of the patch that is tissue."""
    artefacts: NDArray[np.uint8]
    """(n,): bit 1 blur, bit 2 pen, bit 4 fold."""
    heat: NDArray[np.float16]
    """(n, cells, cells): where in the patch the positive class comes from, in [0, 1]."""
    width: int
    height: int
    """Of level 0, in pixels."""
    microns_per_pixel: float

    def __len__(self) -> int:
        return len(self.index)

    @property
    def corners(self) -> NDArray[np.int64]:
        """Return (n, 2): x and y of each upper left corner in pixels of level 0."""
        place = self.index.astype(np.int64)
        columns, side = self.grid.columns, self.grid.side_px
        return np.stack([(place % columns) * side, (place // columns) * side], axis=1)
