"""What a bundle's network must say again wherever it runs: some patches, and whole slides that keep their level."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.cohort.slides import SlideCohort
from services.model_factory.handlers.folds.fold import Fold
from services.model_factory.handlers.slides.order import SlidesOrder
from services.model_factory.handlers.slides.patches import SlidePatches, inputs_of
from services.model_factory.handlers.slides.scoring import found_in, readings_of
from shared.predictors.her2.scale import CUTS, level_of

PATCHES, SLIDES = 4, 12
"""The slides are those near a cut, where a level changes first: by them cheaper arithmetics are judged
(``networks/swin/gate.py``)."""
NEAREST = 0.005
"""As far as a cheaper arithmetic may move a score: the level of a slide that lies nearer to a cut is a toss-up in any
arithmetic (its interval crosses the cut: it is told as indeterminate), and among many slides one always does."""

Ask = Callable[[int], NDArray[np.float32]]
"""Returns what the network says of the patches of a slide (n, 3), by the slide's place in the cohort."""


@dataclass(frozen=True, slots=True, eq=False)
class Golden:
    """The patches, and the slides with what the network says of them."""

    patches: NDArray[np.float32]
    slides: Sequence[Callable[[], NDArray[np.float32]]]
    scores: tuple[float, ...]
    """Of the slides, by the network as it was trained."""

    def files(self) -> Iterator[bytes]:
        """Yield every golden patch as a ``.npy`` file."""
        for one in self.patches:
            out = io.BytesIO()
            np.save(out, one, allow_pickle=False)
            yield out.getvalue()

    def scored(self) -> list[list[str | float]]:
        """Return (name, score, level) of every golden slide."""
        return [[f"golden slide {number}", score, level_of(score).value] for number, score in enumerate(self.scores, 1)]


def golden_of(patches: SlidePatches, fold: Fold[SlideCohort], order: SlidesOrder, ask: Ask) -> Golden:
    """Return those of the slides learned from: whoever has the bundle may have no others."""
    known = [int(one) for one in fold.learned_from if len(patches.grid(int(one), order.cropping).index)]
    found = {place: found_in(ask(place), readings_of(order)) for place in known}
    scores = {place: one.score for place, one in found.items() if one is not None}
    places = nearest_to_cuts(scores, CUTS, SLIDES, NEAREST)

    def whole(place: int) -> NDArray[np.float32]:
        return inputs_of(patches.grid(place, order.cropping).pixels, patches.contract)

    shown = (places or tuple(known))[:PATCHES]
    few = [whole(place)[len(patches.grid(place, order.cropping).index) // 2] for place in shown]
    return Golden(np.stack(few), [partial(whole, place) for place in places], tuple(scores[place] for place in places))


def nearest_to_cuts(scores: Mapping[int, float], cuts: Sequence[float], n: int, nearest: float) -> tuple[int, ...]:
    """Return up to ``n`` slides: of each cut in turn the nearest not yet taken, none nearer than ``nearest``."""
    left = {place: score for place, score in scores.items() if min(abs(score - cut) for cut in cuts) >= nearest}
    taken: list[int] = []
    for cut in islice(cycle(cuts), min(n, len(left))):
        closest = min(left, key=lambda place: abs(left[place] - cut))
        taken.append(closest)
        del left[closest]
    return tuple(taken)
