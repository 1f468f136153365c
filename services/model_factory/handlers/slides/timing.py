"""How long each method takes from what a network said to a score: the paper claims seconds against minutes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from services.model_factory.handlers.slides.order import TL_PA, SlidesOrder
from services.model_factory.handlers.slides.pieces import FoldPiece
from services.model_factory.handlers.slides.results import Timed
from services.model_factory.handlers.slides.scoring import found_in, readings_of


def timed_methods(pieces: Sequence[FoldPiece], order: SlidesOrder, clock: Callable[[], float]) -> Iterator[Timed]:
    """Yield TL-PA from probabilities, and every comparator from features."""
    slides = [one for piece in pieces for one in piece.slides if len(one.probabilities)]
    if not slides:
        return
    middle = int(np.median([len(one.probabilities) for one in slides]))
    seconds = []
    for one in slides:
        begun = clock()
        found_in(one.probabilities, readings_of(order))
        seconds.append(clock() - begun)
    yield Timed(TL_PA, float(np.median(seconds)), max(seconds), len(slides), middle, None)
    for name in order.comparators:
        of = [piece.compared[name] for piece in pieces if name in piece.compared]
        took = [second for one in of for second in one.seconds]
        if took:
            learned = float(np.median([one.learned_s for one in of]))
            yield Timed(name, float(np.median(took)), max(took), len(took), middle, learned)
