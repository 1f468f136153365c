"""The patches of a slide laid out where they lie: one value a cell, for pictures, parametric maps and overlays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.pathology.patch_table import POSITIVE, PatchTable


@dataclass(frozen=True, slots=True, eq=False)
class HeatGrid:
    """Values over the slide from its upper left corner; NaN where there is no patch."""

    values: NDArray[np.float32]
    """(rows, columns), in [0, 1]."""
    cell_px: float
    """Side of a cell, in pixels of level 0."""


def heat_grid(table: PatchTable) -> HeatGrid:
    """Return ``cells`` x ``cells`` cells a patch: where in it the positive class comes from, times its probability."""
    cells = max(1, table.heat.shape[1])
    rows, columns = table.grid.rows, table.grid.columns
    values = np.full((rows * columns, cells, cells), np.nan, dtype=np.float32)
    values[table.index] = table.heat.astype(np.float32) * table.probabilities[:, POSITIVE, None, None]
    whole = values.reshape(rows, columns, cells, cells).swapaxes(1, 2).reshape(rows * cells, columns * cells)
    return HeatGrid(whole, table.grid.side_px / cells)
