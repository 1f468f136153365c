"""The comparators on one fold: features of its patches, fitted on its training slides, asked about the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.cohort.slides import SlideCohort
from services.model_factory.handlers.comparators.bags import Bag
from services.model_factory.handlers.comparators.fitting import FITS
from services.model_factory.handlers.folds.fold import Fold, learning_from
from services.model_factory.handlers.slides.order import COMPARATORS, SlidesOrder
from services.model_factory.handlers.slides.patches import SlidePatches, inputs_of

Features = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""(n, 3, side, side), prepared -> (n, width)."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What one comparator says on one fold."""

    scores: Mapping[int, float]
    """By the slide's place in the cohort; a slide without patches has none."""
    seconds: tuple[float, ...]
    """From features to score, of every judged slide."""
    learned_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Comparators:
    """Fits comparators, fold by fold; features that no fold has learned are made once."""

    cohort: SlideCohort
    patches: SlidePatches
    order: SlidesOrder
    clock: Callable[[], float]
    fixed: Mapping[str, Features]
    """By name of features: those that learned nothing here."""
    made: dict[tuple[str, int], NDArray[np.float32]] = field(default_factory=dict)

    def on(self, fold: Fold[SlideCohort], own: Mapping[str, Features]) -> Iterator[tuple[str, Compared]]:
        """Yield (name, what it says); ``own``: features by this fold's network, by name."""
        learned: dict[tuple[str, int], NDArray[np.float32]] = {}
        for name in self.order.comparators:
            kind, _ = COMPARATORS[name]
            source = own.get(kind) or self.fixed.get(kind)
            if source is None:
                continue
            memory = learned if kind in own else self.made
            bags = {place: self._bag(place, kind, source, memory) for place in self._all(fold)}
            yield name, self._one(name, fold, {place: bag for place, bag in bags.items() if bag})

    def _one(self, name: str, fold: Fold[SlideCohort], bags: Mapping[int, Bag]) -> Compared:
        seen = learning_from(fold.training)
        seen.allow(fold.held_out)
        training = [bags[int(place)] for place in fold.training.index if int(place) in bags]
        begun = self.clock()
        _, method = COMPARATORS[name]
        scorer = FITS[method](training, self.order.mil, self.order.number(f"{name} {fold.name}"))
        learned_s = self.clock() - begun
        scores, seconds = {}, []
        for place in fold.held_out.index:
            if int(place) in bags:
                begun = self.clock()
                scores[int(place)] = scorer.score(bags[int(place)])
                seconds.append(self.clock() - begun)
        return Compared(scores, tuple(seconds), learned_s)

    def _bag(
        self, place: int, kind: str, source: Features, memory: dict[tuple[str, int], NDArray[np.float32]]
    ) -> Bag | None:
        grid = self.patches.grid(place, self.order.cropping)
        if not len(grid.index):
            return None
        if (kind, place) not in memory:
            memory[kind, place] = source(inputs_of(grid.pixels, self.patches.contract))
        return Bag(memory[kind, place], grid.places_um(), bool(self.cohort.events[place]))

    def _all(self, fold: Fold[SlideCohort]) -> list[int]:
        return [int(place) for place in (*fold.learned_from, *fold.left_out)]
