"""One open slide cut into patches, as serving cuts it: tissue, background rule, stains fitted once, one preparation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.model_factory.handlers.patches.annotation import Annotation, tumour_mask
from services.model_factory.handlers.patches.settings import CutSettings
from shared.domain.slides import Cropping
from shared.pathology.background import is_background
from shared.pathology.grid import CropGrid, crop_grid
from shared.pathology.patch_contract import PatchContract
from shared.pathology.stain.fit import fit_stains
from shared.pathology.stain.sample import fitted_on
from shared.pathology.stain.transform import normalised
from shared.pathology.stain_fit import StainFit
from shared.pathology.tissue import OVERVIEW_UM, tissue_mask, tissue_shares
from shared.slides.overview import draw_overview, overview_size
from shared.slides.patches import PatchReading
from shared.slides.port import SlideReader

ANNOTATED_UM = 4.0
"""Micrometres per pixel of the mask that outlines are drawn into: an outline is off by half a pixel of it."""


@dataclass(frozen=True, slots=True, eq=False)
class CutPatches:
    """Patches of one grid, in its order."""

    grid: CropGrid
    index: NDArray[np.int32]
    """(n,): place in the grid."""
    tissue: NDArray[np.float32]
    """(n,): share of the patch that is tissue."""
    tumour: NDArray[np.float32]
    """(n,): share of the patch that is annotated tumour; 0 where nothing is annotated."""
    pixels: NDArray[np.uint8]
    """(n, input_px, input_px, 3): brought to the reference's stains, not yet scaled."""


@dataclass(frozen=True, slots=True, eq=False)
class CutSlide:
    """One open slide with its tissue and its stains."""

    reader: SlideReader
    microns_per_pixel: float
    contract: PatchContract
    tissue: NDArray[np.bool_]
    tissue_um: float
    """Micrometres per pixel of ``tissue``."""
    fit: StainFit

    def grid(self, cropping: Cropping) -> CropGrid:
        """Return the grid a score is made of."""
        described = self.reader.description
        return crop_grid(cropping, described.width, described.height, self.microns_per_pixel, self.contract.side_um)

    def patches(self, grid: CropGrid) -> CutPatches:
        """Return all patches of a grid that have tissue and are not background."""
        shares = tissue_shares(self.tissue, self.tissue_um, grid, self.microns_per_pixel)
        wanted = np.flatnonzero(shares >= self.contract.least_tissue)
        kept, pixels = self._read(grid, wanted)
        return CutPatches(grid, kept, shares[kept], np.zeros(len(kept), dtype=np.float32), pixels)

    def learned(
        self, annotation: Annotation, settings: CutSettings, rng: np.random.Generator
    ) -> tuple[CutPatches, ...]:
        """Return the patches to learn from, one grid for every size; ``tumour`` tells which lie inside.

        Raises:
            InvalidInputError: If the annotation cannot be this slide's, or the slide cannot be read.
        """
        described = self.reader.description
        shrink = max(1.0, ANNOTATED_UM / self.microns_per_pixel)
        mask = tumour_mask(annotation, described.width, described.height, shrink)
        return tuple(self._sampled(grid, mask, settings, rng) for grid in self._learning_grids(settings))

    def _learning_grids(self, settings: CutSettings) -> list[CropGrid]:
        described, um = self.reader.description, self.microns_per_pixel
        sides = [*(side * um for side in settings.sides_px), *settings.sides_um]
        return [crop_grid(Cropping.MICROMETRES, described.width, described.height, um, side) for side in sides]

    def _sampled(
        self, grid: CropGrid, mask: NDArray[np.bool_], settings: CutSettings, rng: np.random.Generator
    ) -> CutPatches:
        tissue = tissue_shares(self.tissue, self.tissue_um, grid, self.microns_per_pixel)
        tumour = tissue_shares(mask, max(ANNOTATED_UM, self.microns_per_pixel), grid, self.microns_per_pixel)
        enough = tissue >= self.contract.least_tissue
        inside = np.flatnonzero(enough & (tumour >= settings.inside))
        others = np.flatnonzero(enough & (tumour < settings.inside) & (tumour <= settings.outside))
        chosen = np.concatenate([_drawn(rng, one, settings.most_per_slide) for one in (inside, others)])
        kept, pixels = self._read(grid, np.sort(chosen))
        return CutPatches(grid, kept, tissue[kept], tumour[kept], pixels)

    def _read(self, grid: CropGrid, wanted: NDArray[np.intp]) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        side = self.contract.input_px
        reading = PatchReading(self.reader, grid.side_px, side)
        kept: list[int] = []
        pixels = np.empty((len(wanted), side, side, 3), dtype=np.uint8)
        for place in wanted:
            rgb = reading.rgb(*grid.corner(int(place)))
            if not is_background(rgb, self.contract.background_variance):
                pixels[len(kept)] = normalised(rgb, self.fit, self.contract.stain)
                kept.append(int(place))
        return np.array(kept, dtype=np.int32), pixels[: len(kept)]


def begin_cutting(reader: SlideReader, microns_per_pixel: float, contract: PatchContract) -> CutSlide:
    """Return the slide with its tissue found and its stains fitted.

    Args:
        reader: Open; borrowed.
        microns_per_pixel: Of level 0, past the metadata gate.
        contract: How patches are prepared.

    Raises:
        InvalidInputError: If the slide cannot be read.
    """
    described = reader.description
    size = overview_size(described.width, described.height, OVERVIEW_UM / microns_per_pixel)
    overview = np.empty((size.height, size.width, 3), dtype=np.uint8)
    draw_overview(reader, size, overview)
    um = size.shrink * microns_per_pixel
    tissue = tissue_mask(overview, um)
    grid = crop_grid(Cropping.MICROMETRES, described.width, described.height, microns_per_pixel, contract.side_um)
    shares = tissue_shares(tissue, um, grid, microns_per_pixel)
    fit = fit_stains(_sample(reader, grid, shares, contract), contract.stain)
    return CutSlide(reader, microns_per_pixel, contract, tissue, um, fit)


def _sample(
    reader: SlideReader, grid: CropGrid, shares: NDArray[np.float32], contract: PatchContract
) -> NDArray[np.uint8]:
    """Return (n, 3): pixels of patches spread over the tissue, at the network's scale."""
    reading = PatchReading(reader, grid.side_px, contract.input_px)
    chosen = fitted_on(np.flatnonzero(shares >= contract.least_tissue))
    read = [reading.rgb(*grid.corner(int(place))).reshape(-1, 3) for place in chosen]
    return np.concatenate(read) if read else np.empty((0, 3), dtype=np.uint8)


def _drawn(rng: np.random.Generator, places: NDArray[np.intp], most: int | None) -> NDArray[np.intp]:
    return places if most is None or len(places) <= most else rng.permutation(places)[:most]
