"""The 39 features of patches between the five grades (paper 003), on patches of slides the network has not seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from services.model_factory.handlers.patches.features.all import feature_table
from services.model_factory.handlers.patches.features.grades import GradedFeature, graded_features
from services.model_factory.handlers.slides.order import SlidesOrder
from services.model_factory.handlers.slides.patches import SlidePatches
from services.model_factory.handlers.slides.results import Graded, GradedRow
from services.model_factory.handlers.slides.scoring import JudgedSlide
from shared.pathology.patch_table import POSITIVE
from shared.predictors.her2.aggregation import ranked
from shared.predictors.her2.scale import GRADES


def graded(slides: Sequence[JudgedSlide], patches: SlidePatches, order: SlidesOrder) -> Graded | None:
    """Return the comparison on at most ``order.graded_patches`` that count, over all slides; None: none asked."""
    if not order.graded_patches or not slides:
        return None
    most = max(1, order.graded_patches // len(slides))
    pixels, chances = [], []
    for one in slides:
        places = ranked(one.probabilities, order.area_reading).order if len(one.probabilities) else np.zeros(0, np.intp)
        if len(places) > most:
            places = places[np.linspace(0, len(places) - 1, most).round().astype(np.intp)]
        if len(places):
            pixels.append(patches.grid(one.place, order.cropping).pixels[places])
            chances.append(one.probabilities[places, POSITIVE])
    if not pixels:
        return None
    names, values = feature_table(np.concatenate(pixels), patches.contract)
    counts, found = graded_features(names, values, np.concatenate(chances))
    return Graded(counts, tuple(_rows(found)))


def _rows(found: Sequence[GradedFeature]) -> Iterator[GradedRow]:
    for one in found:
        nearest = min(one.pairs, key=lambda pair: pair.p_holm, default=None)
        between = f"{GRADES[nearest.first]} and {GRADES[nearest.second]}" if nearest else ""
        yield GradedRow(one.name, one.medians, between, nearest.z if nearest else None,
                        nearest.p_holm if nearest else None)  # fmt: skip
