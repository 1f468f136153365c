"""What the other way of cutting a slide would have said: Eq. 1 ties the field of view to the scanned area."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.slides.order import SlidesOrder
from services.model_factory.handlers.slides.results import CroppingSensitivity
from services.model_factory.handlers.slides.scoring import JudgedSlide, auc_of, found_in, levels_changed, readings_of
from shared.domain.slides import Cropping
from shared.predictors.her2.aggregation import Aggregate


def other_of(cropping: Cropping) -> Cropping:
    """Return the other rule."""
    return Cropping.PAPER if cropping is Cropping.MICROMETRES else Cropping.MICROMETRES


def cropping_sensitivity(
    slides: Sequence[JudgedSlide], positive: NDArray[np.bool_], order: SlidesOrder
) -> CroppingSensitivity | None:
    """Return how the scores of the slides that were cut twice differ; None where none was."""
    places = [number for number, one in enumerate(slides) if one.other is not None]
    if not places:
        return None
    twice = [slides[number] for number in places]
    readings = readings_of(order)
    own = _scores([found_in(one.probabilities, readings) for one in twice])
    other = _scores([found_in(one.other, readings) for one in twice if one.other is not None])
    both = np.isfinite(own) & np.isfinite(other)
    apart = other[both] - own[both]
    chosen = positive[places]
    return CroppingSensitivity(
        order.cropping.value, other_of(order.cropping).value, len(twice),
        _between([one.sides_um[0] for one in twice]), _between([one.sides_um[1] for one in twice]),
        float(apart.mean()) if len(apart) else None, float(np.abs(apart).mean()) if len(apart) else None,
        levels_changed(own[both], other[both]), int(np.isnan(other).sum()),
        auc_of(own, chosen), auc_of(other, chosen),
    )  # fmt: skip


def _scores(found: Sequence[Aggregate | None]) -> NDArray[np.float64]:
    return np.array([np.nan if one is None else one.score for one in found])


def _between(sides: Sequence[float]) -> tuple[float, float]:
    return min(sides), max(sides)
