"""What renderings of a slide are made from besides the finding: its patches, and the overview."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.results.ledger.findings import Finding
from shared.domain.errors import PermanentError
from shared.domain.slides import Exclusion
from shared.pathology.patch_table import NON_TUMOUR, PatchTable
from shared.predictors.her2.tables import inside

Overview = NDArray[np.uint8]
"""(rows, columns, 3)."""


@dataclass(frozen=True, slots=True, eq=False)
class SlideBasis:
    """The patches of the grid that made the result; proven to be those the answer counts."""

    patches: PatchTable
    counted: NDArray[np.bool_]
    """(n,): False where a pathologist left the patch's place out."""
    overview: Overview | None = None

    @property
    def classes(self) -> NDArray[np.int64]:
        """Return (n,): the most probable class of each patch."""
        found: NDArray[np.int64] = self.patches.probabilities.argmax(axis=1)
        return found

    @property
    def tumour(self) -> NDArray[np.bool_]:
        """Return (n,): tumour, and counted."""
        found: NDArray[np.bool_] = (self.classes != NON_TUMOUR) & self.counted
        return found


def basis(finding: Finding, tables: tuple[PatchTable, ...], overview: Overview | None) -> SlideBasis | None:
    """Return the basis of an answer about a slide; None where no table of its grid is stored.

    Raises:
        PermanentError: If the patches are not those the answer counts: its heatmap would not be that of its score.
    """
    answer = finding.prediction.slide if finding.prediction else None
    if answer is None:
        return None
    made = answer.croppings[0]
    table = next((row for row in tables if row.grid.cropping is made.cropping), None)
    if table is None:
        return None
    found = SlideBasis(table, counted_patches(table, answer.exclusions), overview)
    if (int(found.counted.sum()), int(found.tumour.sum())) != (made.patches, made.tumour_patches):
        raise PermanentError("the stored patches are not those the answer counts; nothing was sent")
    return found


def counted_patches(table: PatchTable, exclusions: tuple[Exclusion, ...]) -> NDArray[np.bool_]:
    """Return (n,): False where the patch's centre lies in a region that was left out."""
    centres = table.corners.astype(np.float64) + table.grid.side_px / 2
    counted = np.ones(len(table), dtype=np.bool_)
    for one in exclusions:
        counted &= ~inside(one.outline, centres)
    return counted
