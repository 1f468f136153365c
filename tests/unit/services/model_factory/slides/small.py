"""A tiny cohort of simulated slides, and the smallest network there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from services.model_factory.app.slides import SlideOptions
from services.model_factory.handlers.comparators.fitting import MilRecipe
from services.model_factory.handlers.networks.swin.architecture import SwinArchitecture
from services.model_factory.handlers.networks.swin.recipe import PatchRecipe
from services.model_factory.handlers.slides.order import SlidesOrder
from shared.phantoms.slides.cohort import draw_slides
from shared.phantoms.slides.writing import write_slides

SIDE_PX, SLIDES = 512, 12
ARCHITECTURE = SwinArchitecture(width=8, depths=(1, 1, 1, 1), heads=(1, 1, 2, 2), window=4, side=32)
RECIPE = PatchRecipe(
    "corrected", ARCHITECTURE, epochs=1, batch=32, grouped=False, balanced=True, restored=True, frozen=0
)
MIL = MilRecipe(epochs=2, graph_epochs=2, compressed=8, attending=4)
ORDER = SlidesOrder("corrected", seed=3, folds=2, resamples=20, both_croppings=1, mil=MIL)
OPTIONS = SlideOptions(recipe=RECIPE, side_um=48.0, most_per_slide=8, processes=1)


def cohort(folder: Path, slides: int = SLIDES, seed: int = 5) -> Path:
    """Return the manifest of so many simulated slides."""
    return write_slides(draw_slides(slides, seed), folder, side_px=SIDE_PX)


def ticking() -> Callable[[], float]:
    """Return a clock that moves by a second whenever it is asked."""
    ticks = count()
    return lambda: float(next(ticks))


class Silent:
    """Nobody watches."""

    @contextmanager
    def stage(self, name: str, pieces: int) -> Iterator[Callable[[], None]]:
        """Tell nobody."""
        del name, pieces
        yield lambda: None
