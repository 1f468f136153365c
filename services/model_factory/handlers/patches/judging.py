"""How well patches are told apart: ROC of HER2+ against HER2- tumour, and the confusion of all three kinds.

Patches of one patient are alike: intervals come from resampled patients, never from patches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.statistics.bootstrap import REPEATS, with_intervals
from services.model_factory.handlers.statistics.discrimination import auc
from services.model_factory.handlers.statistics.estimates import Estimate
from services.model_factory.handlers.statistics.metric import Metric
from shared.pathology.patch_table import NEGATIVE, NON_TUMOUR, POSITIVE
from shared.predictors.her2.scale import POSITIVE_CLASS

TUMOUR_CLASS = "tumour"
CURVE_POINTS = 101


@dataclass(frozen=True, slots=True)
class RocPoint:
    """One threshold of the ROC curve."""

    false_positive_rate: float
    sensitivity: float


@dataclass(frozen=True, slots=True)
class PatchJudgement:
    """What was measured on patches of patients the network had not seen."""

    patients: int
    confusion: tuple[tuple[int, int, int], ...]
    """Rows: truly non-tumour, negative, positive; columns: the most probable class."""
    metrics: tuple[Metric, ...]
    """AUC of her2_positive among tumour patches, AUC of tumour among all; unit: patch, intervals by patient."""
    curve: tuple[RocPoint, ...]
    """ROC of the first metric, from (0, 0) to (1, 1)."""


def judge_patches(
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    patients: Sequence[str],
    rng: np.random.Generator,
    repeats: int = REPEATS,
) -> PatchJudgement:
    """Judge what a network said of held-out patches.

    Args:
        labels: NON_TUMOUR, NEGATIVE or POSITIVE: the annotation, with the slide's HER2 status for tumour.
        probabilities: (n, 3).
        patients: Whose patch it is.
        rng: Draws the resamples.
        repeats: How many.

    Raises:
        ValueError: If a kind of patch has fewer than two.
    """
    numbers = np.unique(np.array(patients), return_inverse=True)[1].astype(np.int64)
    tumour, score = labels != NON_TUMOUR, probabilities.astype(np.float64)
    positive = labels[tumour] == POSITIVE
    of_her2 = _estimated(positive, score[tumour, POSITIVE], numbers[tumour], rng, repeats)
    of_tumour = _estimated(tumour, 1.0 - score[:, NON_TUMOUR], numbers, rng, repeats)
    metrics = (
        Metric("auc", POSITIVE_CLASS, "patch", len(positive), int(positive.sum()), of_her2),
        Metric("auc", TUMOUR_CLASS, "patch", len(tumour), int(tumour.sum()), of_tumour),
    )
    curve = roc_curve(positive, score[tumour, POSITIVE])
    return PatchJudgement(len(np.unique(numbers)), confusion(labels, probabilities), metrics, curve)


def confusion(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> tuple[tuple[int, int, int], ...]:
    """Return counts: rows are the true kind, columns the most probable one."""
    counts = np.zeros((3, 3), dtype=np.int64)
    np.add.at(counts, (labels, probabilities.argmax(axis=1)), 1)
    return tuple((int(row[NON_TUMOUR]), int(row[NEGATIVE]), int(row[POSITIVE])) for row in counts)


def roc_curve(event: NDArray[np.bool_], score: NDArray[np.float64]) -> tuple[RocPoint, ...]:
    """Return the curve at evenly spaced rates of false positives; a score at the threshold counts as positive."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)
    hits, alarms = (np.concatenate([[0], np.cumsum(one[order])[last]]) for one in (event, ~event))
    rates = np.linspace(0, 1, CURVE_POINTS)
    found = np.interp(rates, alarms / max(alarms[-1], 1), hits / max(hits[-1], 1))
    return tuple(RocPoint(float(rate), float(one)) for rate, one in zip(rates, found, strict=True))


def _estimated(
    event: NDArray[np.bool_],
    score: NDArray[np.float64],
    patients: NDArray[np.int64],
    rng: np.random.Generator,
    repeats: int,
) -> Estimate:
    def statistic(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.array([auc(event[rows], score[rows]).value])

    return with_intervals(statistic, patients, rng, repeats)[0]
