"""What is said of single patches: how well they are told apart, and what differs between their grades."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.cohort.slides import SlideCohort
from services.model_factory.handlers.patches.features.all import feature_table
from services.model_factory.handlers.patches.features.grades import graded_features
from services.model_factory.handlers.patches.judging import judge_patches
from services.model_factory.handlers.slides.order import SlidesOrder
from services.model_factory.handlers.slides.patches import SlidePatches
from services.model_factory.handlers.slides.results import GradedFeatures, PatchAuc, PatchFacts
from services.model_factory.handlers.slides.scoring import JudgedSlide
from shared.pathology.patch_table import NON_TUMOUR, POSITIVE
from shared.predictors.her2.aggregation import LEAST_P

MOST_FEATURED = 500
"""Patches whose features are computed, drawn at random among those that have a grade."""


@dataclass(frozen=True, slots=True, eq=False)
class JudgedPatches:
    """What a network says of the annotated patches of slides it has not seen."""

    places: NDArray[np.int64]
    """(n,): of the slide in the cohort."""
    labels: NDArray[np.int64]
    """(n,): ``shared/pathology/patch_table.py``."""
    probabilities: NDArray[np.float32]
    """(n, 3)."""


def patch_facts(pieces: Sequence[JudgedPatches], cohort: SlideCohort, order: SlidesOrder) -> PatchFacts | None:
    """Return how well patches are told apart, all folds together; None where a kind is missing."""
    labels, places = (np.concatenate([getattr(one, name) for one in pieces]) for name in ("labels", "places"))
    said = np.concatenate([one.probabilities for one in pieces])
    patients = [cohort.patients[place] for place in places]
    try:
        found = judge_patches(labels, said, patients, order.random("patches"), order.resamples)
    except ValueError:
        return None
    aucs = tuple(
        PatchAuc(
            one.positive_class, one.estimate.value, one.estimate.interval[0], one.estimate.interval[1],
            one.estimate.method, one.n, one.positives,
        )
        for one in found.metrics
    )  # fmt: skip
    curve = tuple((one.false_positive_rate, one.sensitivity) for one in found.curve)
    return PatchFacts(found.patients, len(np.unique(places)), aucs, found.confusion, curve)


def features_by_grade(
    slides: Sequence[JudgedSlide], patches: SlidePatches, order: SlidesOrder
) -> GradedFeatures | None:
    """Return the 39 features over the five grades of tumour patches; None where no patch has a grade."""
    owners, rows = _graded(slides)
    if not len(rows):
        return None
    chosen = np.sort(order.random("patch features").permutation(len(rows))[:MOST_FEATURED])
    pixels, probability = [], []
    for number in np.unique(owners[chosen]):
        one = slides[number]
        mine = rows[chosen[owners[chosen] == number]]
        pixels.append(patches.grid(one.place, order.cropping).pixels[mine])
        probability.append(one.probabilities[mine, POSITIVE])
    names, values = feature_table(np.concatenate(pixels), patches.contract)
    counts, found = graded_features(names, values, np.concatenate(probability))
    return GradedFeatures(counts, found)


def _graded(slides: Sequence[JudgedSlide]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return of every tumour patch that has a grade its slide's number here, and its row there."""
    owners, rows = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for number, one in enumerate(slides):
        said = one.probabilities
        mine = np.flatnonzero((said.argmax(axis=1) != NON_TUMOUR) & (said[:, POSITIVE] > np.float32(LEAST_P)))
        owners.append(np.full(len(mine), number, dtype=np.int64))
        rows.append(mine.astype(np.int64))
    return np.concatenate(owners), np.concatenate(rows)
