"""One grid scored: its terms, its interval, and what becomes of them without each artefact."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from shared.domain.slide_answers import CropAnswer, GradeCount, QualityRow, SlideLevel
from shared.domain.slides import Exclusion
from shared.pathology.patch_table import NON_TUMOUR, POSITIVE, PatchTable
from shared.predictors.her2.aggregation import Aggregate, Readings, aggregate, calibrated, ranked
from shared.predictors.her2.scale import grade_counts, level_of
from shared.predictors.her2.tables import kept, touched, without


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """The patches that count and what they give."""

    table: PatchTable
    found: Aggregate | None
    score: float | None
    """With the calibration's shift; None: no patch is tumour."""

    @property
    def level(self) -> SlideLevel | None:
        """Return what the slide resembles by this grid."""
        return None if self.score is None else level_of(self.score)

    @property
    def cropping(self) -> CropAnswer:
        """Return what this grid gave."""
        grid = self.table.grid
        tumour = int((self.table.probabilities.argmax(axis=1) != NON_TUMOUR).sum())
        return CropAnswer(grid.cropping, grid.side_px, grid.side_um, len(self.table), tumour, self.score, self.level)


def scored(table: PatchTable, exclusions: Iterable[Exclusion], readings: Readings, shift: float) -> Scored:
    """Return the score of a grid without the excluded regions."""
    left = without(table, exclusions)
    found = aggregate(left.probabilities, readings) if len(left) else None
    return Scored(left, found, None if found is None else _shifted(found, shift))


def grades(one: Scored, readings: Readings) -> tuple[GradeCount, ...]:
    """Return how many of the patches that count have each grade."""
    probabilities = one.table.probabilities
    return grade_counts(probabilities[ranked(probabilities, readings.area).order, POSITIVE])


def with_effects(
    checked: Iterable[QualityRow], one: Scored, readings: Readings, shift: float
) -> tuple[QualityRow, ...]:
    """Return what was looked at on the glass, each with the patches it lies on and the score without them."""
    return tuple(_with_effect(row, one, readings, shift) for row in checked)


def _with_effect(row: QualityRow, one: Scored, readings: Readings, shift: float) -> QualityRow:
    hit = touched(one.table, row.kind)
    n = int(hit.sum())
    if not row.checked or n == 0:
        return row
    rest = aggregate(kept(one.table, ~hit).probabilities, readings) if n < len(hit) else None
    return replace(row, patches=n, score_without=None if rest is None else _shifted(rest, shift))


def _shifted(found: Aggregate, shift: float) -> float:
    return float(calibrated(np.asarray([found.score]), shift)[0])
