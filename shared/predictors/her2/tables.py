"""Patch tables with patches left out: regions a pathologist excluded, artefacts of one kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from shared.domain.slides import Exclusion, Point
from shared.pathology.patch_table import PatchTable

BITS: Mapping[str, int] = {"blur": 1, "pen": 2, "fold": 4}
"""Kind of artefact -> its bit in ``PatchTable.artefacts``."""


def without(table: PatchTable, exclusions: Iterable[Exclusion]) -> PatchTable:
    """Return the table without the patches whose centre lies in an excluded region."""
    outside = np.ones(len(table), dtype=np.bool_)
    centres = table.corners.astype(np.float64) + table.grid.side_px / 2
    for one in exclusions:
        outside &= ~inside(one.outline, centres)
    return kept(table, outside)


def kept(table: PatchTable, rows: NDArray[np.bool_]) -> PatchTable:
    """Return the table with these rows only."""
    return table if rows.all() else replace(
        table, index=table.index[rows], probabilities=table.probabilities[rows], tissue=table.tissue[rows],
        artefacts=table.artefacts[rows], heat=table.heat[rows],
    )  # fmt: skip


def touched(table: PatchTable, kind: str) -> NDArray[np.bool_]:
    """Return which patches an artefact of this kind lies on; none for a kind that has no bit."""
    hit: NDArray[np.bool_] = (table.artefacts & np.uint8(BITS.get(kind, 0))) != 0
    return hit


def inside(outline: tuple[Point, ...], places: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which places (n, 2) lie in a closed polygon, by the even-odd rule."""
    corners = np.asarray([(one.x, one.y) for one in outline], dtype=np.float64)
    (x1, y1), (x2, y2) = corners.T, np.roll(corners, -1, axis=0).T
    x, y = places[:, 0], places[:, 1]
    odd = np.zeros(len(places), dtype=np.bool_)
    for ax, ay, bx, by in zip(x1, y1, x2, y2, strict=True):
        if ay != by:  # a horizontal edge is crossed by no horizontal ray
            odd ^= ((ay > y) != (by > y)) & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return odd
