"""One slide as the run sees it: patches of a grid, patches to learn from, and what was found on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.slides.results import StainNote
from shared.domain.slides import Cropping
from shared.pathology.grid import CropGrid
from shared.pathology.patch_contract import PatchContract
from shared.pathology.patch_table import PatchTable
from shared.pathology.patches import scaled

Pixels = NDArray[np.uint8]
"""(n, input_px, input_px, 3): resized and stain-normalised, not yet scaled."""


@dataclass(frozen=True, slots=True, eq=False)
class GridPatches:
    """The patches of one grid with tissue, after the background rule."""

    grid: CropGrid
    index: NDArray[np.int32]
    tissue: NDArray[np.float32]
    pixels: Pixels
    width: int
    height: int
    """Of level 0."""
    microns_per_pixel: float

    def places_um(self) -> NDArray[np.float64]:
        """Return (n, 2): centre of every patch in micrometres."""
        place, side = self.index.astype(np.int64), self.grid.side_um
        corners = np.stack([place % self.grid.columns, place // self.grid.columns], axis=1)
        return np.asarray((corners + 0.5) * side, dtype=np.float64)

    def table(self, probabilities: NDArray[np.float32]) -> PatchTable:
        """Return the table for what a network said; artefacts and heat are the serving side's."""
        n = len(self.index)
        return PatchTable(
            self.grid, self.index, probabilities, self.tissue, np.zeros(n, dtype=np.uint8),
            np.zeros((n, 1, 1), dtype=np.float16), self.width, self.height, self.microns_per_pixel,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class LearnedPatches:
    """Patches cut for learning, from the annotation."""

    pixels: Pixels
    tumour: NDArray[np.bool_]
    """(n,): within the annotated tumour; the others are non-tumour."""


@dataclass(frozen=True, slots=True)
class SlideNote:
    """What was found when a slide was read."""

    scanner: str
    microns_per_pixel: float
    width: int
    height: int
    stain: StainNote


class SlidePatches(Protocol):
    """Where the patches of the cohort's slides are kept; by the slide's place in the cohort."""

    @property
    def contract(self) -> PatchContract:
        """How they were made."""
        ...

    def grid(self, place: int, cropping: Cropping) -> GridPatches:
        """Return the patches of one grid."""
        ...

    def cut_twice(self, place: int) -> bool:
        """Tell whether the slide was cut by both rules."""
        ...

    def learned(self, place: int) -> LearnedPatches:
        """Return the patches to learn from; none where nothing is annotated."""
        ...

    def note(self, place: int) -> SlideNote:
        """Return what was found."""
        ...


def inputs_of(pixels: Pixels, contract: PatchContract) -> NDArray[np.float32]:
    """Return (n, 3, input_px, input_px): what the network takes, as in serving (``shared.pathology.patches``)."""
    side = contract.input_px
    found = np.empty((len(pixels), 3, side, side), dtype=np.float32)
    for place, one in enumerate(pixels):
        found[place] = scaled(one, contract)
    return found
