"""Patch tables for tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.domain.slides import Cropping
from shared.pathology.grid import CropGrid
from shared.pathology.patch_table import PatchTable


def table(count: int = 4, artefacts: NDArray[np.uint8] | None = None) -> PatchTable:
    """Return a table on a grid of 3 x 4 patches, from its second place on."""
    draw = np.random.default_rng(7)
    return PatchTable(
        CropGrid(Cropping.MICROMETRES, 512, 256.0, 4, 3),
        np.arange(1, 1 + count, dtype=np.int32),
        draw.dirichlet(np.ones(3), count).astype(np.float32),
        np.ones(count, dtype=np.float32),
        np.zeros(count, dtype=np.uint8) if artefacts is None else artefacts,
        draw.random((count, 2, 2)).astype(np.float16),
        2048,
        1600,
        0.5,
    )
