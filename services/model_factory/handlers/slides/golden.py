"""What a bundle's network must say again wherever it runs: some patches, and whole slides that keep their level."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.cohort.slides import SlideCohort
from services.model_factory.handlers.folds.fold import Fold
from services.model_factory.handlers.slides.order import SlidesOrder
from services.model_factory.handlers.slides.patches import SlidePatches, inputs_of
from services.model_factory.handlers.slides.scoring import found_in, readings_of
from shared.predictors.her2.scale import level_of

PATCHES, SLIDES = 4, 12
"""Half of the slides of either class; by them cheaper arithmetics are judged (``networks/swin/gate.py``)."""


@dataclass(frozen=True, slots=True, eq=False)
class Golden:
    """The patches, and the slides by their place in the cohort."""

    patches: NDArray[np.float32]
    slides: Sequence[Callable[[], NDArray[np.float32]]]
    places: tuple[int, ...]

    def files(self) -> Iterator[bytes]:
        """Yield every golden patch as a ``.npy`` file."""
        for one in self.patches:
            out = io.BytesIO()
            np.save(out, one, allow_pickle=False)
            yield out.getvalue()

    def scored(self, ask: Callable[[int], NDArray[np.float32]], order: SlidesOrder) -> list[list[str | float]]:
        """Return (name, score, level) of the slides that can be scored."""
        found: list[list[str | float]] = []
        for number, place in enumerate(self.places):
            one = found_in(ask(place), readings_of(order))
            if one is not None:
                found.append([f"golden slide {number + 1}", one.score, level_of(one.score).value])
        return found


def golden_of(cohort: SlideCohort, patches: SlidePatches, fold: Fold[SlideCohort], order: SlidesOrder) -> Golden:
    """Return those of the slides learned from: whoever has the bundle may have no others."""
    positive = [int(one) for one in fold.learned_from if cohort.events[one]][: SLIDES // 2]
    negative = [int(one) for one in fold.learned_from if not cohort.events[one]][: SLIDES // 2]
    places = tuple(place for place in (*positive, *negative) if len(patches.grid(place, order.cropping).index))

    def whole(place: int) -> NDArray[np.float32]:
        return inputs_of(patches.grid(place, order.cropping).pixels, patches.contract)

    few = [whole(place)[_middle(len(patches.grid(place, order.cropping).index))] for place in places[:PATCHES]]
    return Golden(np.stack(few), [_late(whole, place) for place in places], places)


def _late(whole: Callable[[int], NDArray[np.float32]], place: int) -> Callable[[], NDArray[np.float32]]:
    return lambda: whole(place)


def _middle(n: int) -> int:
    return n // 2
