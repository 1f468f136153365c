"""TL-PA's scores of judged slides, under the run's reading of the paper and under every other one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.cohort.typed import Numbers
from services.model_factory.handlers.slides.order import SlidesOrder
from services.model_factory.handlers.slides.results import Judged, ReadingRow
from services.model_factory.handlers.statistics.discrimination import auc
from shared.domain.slides import AreaReading, Rounding
from shared.pathology.patch_table import NON_TUMOUR
from shared.predictors.her2.aggregation import Aggregate, Readings, aggregate
from shared.predictors.her2.scale import level_of

Probabilities = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class JudgedSlide:
    """What the network that has not seen a slide says of its patches."""

    place: int
    """In the cohort."""
    kind: Judged
    fold: int
    probabilities: Probabilities
    """(n, 3), by the run's grid."""
    other: Probabilities | None
    """By the other grid; None: not cut so."""
    sides_um: tuple[float, float]
    """Of a patch, by both."""


def readings_of(order: SlidesOrder) -> Readings:
    """Return how the run reads the paper."""
    return Readings(order.area_reading, order.rounding)


def found_in(probabilities: Probabilities, readings: Readings) -> Aggregate | None:
    """Return the terms of a slide; None where no patch is tumour."""
    return aggregate(probabilities, readings) if len(probabilities) else None


def scores(slides: Sequence[JudgedSlide], readings: Readings) -> Numbers:
    """Return one score a slide; NaN: not scorable."""
    found = [found_in(one.probabilities, readings) for one in slides]
    return np.array([np.nan if one is None else one.score for one in found])


def tumour_patches(probabilities: Probabilities) -> int:
    """Return Area_tumour of Eq. 2."""
    return int((probabilities.argmax(axis=1) != NON_TUMOUR).sum()) if len(probabilities) else 0


def reading_rows(
    slides: Sequence[JudgedSlide], positive: NDArray[np.bool_], order: SlidesOrder
) -> Iterator[ReadingRow]:
    """Yield the same patches under readings A and B and the three roundings."""
    own = scores(slides, readings_of(order))
    for area, rounding in product(AreaReading, Rounding):
        found = [found_in(one.probabilities, Readings(area, rounding)) for one in slides]
        given = np.array([np.nan if one is None else one.score for one in found])
        both = np.isfinite(given) & np.isfinite(own)
        yield ReadingRow(
            area.value, rounding.value, auc_of(given, positive), int(np.isnan(given).sum()),
            sum(one is not None and one.score == 0.0 for one in found),
            float(np.abs(given[both] - own[both]).mean()) if both.any() else 0.0,
            levels_changed(given[both], own[both]), len(slides),
        )  # fmt: skip


def levels_changed(one: Numbers, other: Numbers) -> int:
    """Return how many slides resemble another level."""
    return sum(level_of(float(a)) is not level_of(float(b)) for a, b in zip(one, other, strict=True))


def auc_of(given: Numbers, positive: NDArray[np.bool_]) -> float | None:
    """Return the AUC of those that have a score; None where a class has fewer than two."""
    known = np.isfinite(given)
    try:
        return auc(positive[known], given[known]).value
    except ValueError:
        return None
