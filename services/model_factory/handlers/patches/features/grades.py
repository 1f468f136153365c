"""Features compared between the five grades of patches by Dunn's test (paper 003).

Patches of one slide are alike and are counted as if they were not, as the paper does: p values describe, they prove
nothing about patients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.statistics.rank_tests import Pair, dunn
from shared.predictors.her2.aggregation import LEAST_P
from shared.predictors.her2.scale import GRADES, grade_numbers


@dataclass(frozen=True, slots=True)
class GradedFeature:
    """One feature over the grades."""

    name: str
    medians: tuple[float | None, ...]
    """Per grade, I to V; None where it has no patch."""
    pairs: tuple[Pair, ...]
    """Every pair of grades that have patches, numbered from 0; none where the feature does not vary."""


def graded_features(
    names: Sequence[str], values: NDArray[np.float64], probability: NDArray[np.float32]
) -> tuple[tuple[int, ...], tuple[GradedFeature, ...]]:
    """Return patches per grade, and every feature compared.

    Args:
        names: Of the columns.
        values: (n, features).
        probability: (n,): p of HER2+; patches with .33 or less have no grade.
    """
    counted = probability > np.float32(LEAST_P)
    grade = grade_numbers(probability[counted])
    counts = np.bincount(grade, minlength=len(GRADES))
    found = tuple(_graded(name, column[counted], grade) for name, column in zip(names, values.T, strict=True))
    return tuple(int(one) for one in counts), found


def _graded(name: str, column: NDArray[np.float64], grade: NDArray[np.int64]) -> GradedFeature:
    medians = [column[grade == one] for one in range(len(GRADES))]
    varies = len(column) > 0 and np.ptp(column) > 0 and len(np.unique(grade)) > 1
    return GradedFeature(
        name, tuple(float(np.median(one)) if len(one) else None for one in medians),
        dunn(column, grade) if varies else (),
    )  # fmt: skip
