"""Read one slide and have its patches judged: overview, tissue, stains once, every grid in batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from services.inference.handlers.preparing import ReadyPatches, ahead, made_ready
from services.inference.ports import Measured, ReadSlide
from shared.domain.slides import Cropping, PinnedSlide, SlidePolicy
from shared.pathology.grid import CropGrid, crop_grid
from shared.pathology.patch_contract import PatchContract
from shared.pathology.patch_table import PatchTable
from shared.pathology.quality.flags import BLUR
from shared.pathology.quality.glass_quality import GlassQuality, examined
from shared.pathology.quality.rows import quality_rows
from shared.pathology.stain.fit import fit_stains
from shared.pathology.stain.sample import fitted_on
from shared.pathology.stain_fit import StainFit
from shared.pathology.tissue import OVERVIEW_UM, tissue_shares
from shared.pathology.trouble import SlideProblem, SlideTrouble
from shared.predictors.contract import SlideMeasured
from shared.predictors.models import SlideModel
from shared.predictors.slides import PatchLooks

BATCH = 8
_HOTTEST = 99.5
"""Percentile of the heat that is shown as 1: a single cell does not darken all others."""
_NO_TISSUE = SlideTrouble(
    SlideProblem.NO_TISSUE, "No patch of the slide has enough tissue.", "Is it the slide that was meant?"
)

Progress = Callable[[float], None]
"""Told the share of the patches that were judged, in [0, 1]."""


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A slide with its tissue found."""

    pinned: PinnedSlide
    um: float
    """Micrometres per pixel of level 0."""
    glass: GlassQuality
    contract: PatchContract

    def wanted(self, cropping: Cropping) -> tuple[CropGrid, NDArray[np.int32], NDArray[np.float32]]:
        """Return a grid, the places with enough tissue, and the share of tissue at every place."""
        slide = self.pinned.slide
        grid = crop_grid(cropping, slide.width, slide.height, self.um, self.contract.side_um)
        share = tissue_shares(self.glass.tissue, self.glass.um, grid, self.um)
        return grid, np.flatnonzero(share >= self.contract.least_tissue).astype(np.int32), share


def measure(session: ReadSlide, pinned: PinnedSlide, model: SlideModel, progress: Progress) -> Measured | SlideTrouble:
    """Return what the network says of every patch of the grids the site's policy asks for.

    Args:
        session: The open slide.
        pinned: Slide and policy.
        model: A bundle that judges slides.
        progress: Told now and then how far it is.

    Raises:
        SlideTroubleError: If the slide cannot be read to the end.
        ValueError: If the bundle judges no slides, or nobody knows how large its pixels are.
    """
    at, contract = pinned.slide.resolution, model.slides
    if at is None or contract is None:
        raise ValueError("a slide without resolution, or a bundle without patches, measures nothing")
    um = float(np.sqrt(at.x * at.y))
    overview = session.overview(OVERVIEW_UM, um)
    seen = _Seen(pinned, um, examined(overview.rgb, overview.um_per_px), contract.patches)
    fit = _fitted(session, seen)
    if fit is None:
        return _NO_TISSUE
    croppings = croppings_of(pinned.policy)
    looked = [
        _judged(session, seen, cropping, fit, model, partial(_of_all, progress, number, len(croppings)))
        for number, cropping in enumerate(croppings)
    ]
    tables, last = tuple(table for table, _ in looked), looked[-1][1]
    checked = quality_rows(seen.glass, tables[0], _unchecked(tables[0].grid, seen.contract))
    runtime, precision = (last.runtime, last.precision) if last else ("", "")
    return Measured(SlideMeasured(tables, fit, checked, runtime, precision), overview.rgb)


def _of_all(progress: Progress, number: int, grids: int, share: float) -> None:
    progress((number + share) / grids)


def croppings_of(policy: SlidePolicy) -> tuple[Cropping, ...]:
    """Return the grids to run, the one that makes the result first."""
    others = tuple(one for one in Cropping if one is not policy.cropping)
    return (policy.cropping, *others) if policy.sensitivity else (policy.cropping,)


def _fitted(session: ReadSlide, seen: _Seen) -> StainFit | None:
    """Return the slide's stains, found on the same pixels whatever grid is scored; None where there is no tissue."""
    grid, wanted, _ = seen.wanted(Cropping.MICROMETRES)
    if not len(wanted):
        return None
    sampled = fitted_on(wanted)
    everything = replace(seen.contract, background_variance=0.0)
    read = [batch.pixels.reshape(-1, 3) for batch in session.patches(grid, sampled, everything, batch=BATCH)]
    return fit_stains(np.concatenate(read), seen.contract.stain)


def _judged(
    session: ReadSlide, seen: _Seen, cropping: Cropping, fit: StainFit, model: SlideModel, progress: Progress
) -> tuple[PatchTable, PatchLooks | None]:
    """Return the table of one grid, and what judged it."""
    grid, wanted, share = seen.wanted(cropping)
    gathered = _Gathered(seen.contract, model)
    ready = partial(made_ready, fit=fit, contract=seen.contract, sharp=not _unchecked(grid, seen.contract))
    done = 0
    for batch, made in ahead(session.patches(grid, wanted, seen.contract, batch=BATCH), ready):
        if made is not None:
            gathered.add(batch.index, made)
        done += len(batch.index) + len(batch.background)
        progress(done / len(wanted))
    flags = seen.glass.flags(grid, seen.um)
    return gathered.table(grid, seen, share, flags), gathered.last


class _Gathered:
    """Judges batches and keeps what was said; pixels are let go of at once."""

    def __init__(self, contract: PatchContract, model: SlideModel) -> None:
        """Begin with nothing."""
        self._model = model
        cells = contract.heat_cells
        self._index: list[NDArray[np.int32]] = [np.zeros(0, dtype=np.int32)]
        self._chances: list[NDArray[np.float32]] = [np.zeros((0, 3), dtype=np.float32)]
        self._heat: list[NDArray[np.float32]] = [np.zeros((0, cells, cells), dtype=np.float32)]
        self._blurred: list[bool] = []
        self.last: PatchLooks | None = None

    def add(self, index: NDArray[np.int32], made: ReadyPatches) -> None:
        """Judge one batch."""
        looks = self.last = self._model.look_at(made.crops)
        self._index.append(index)
        self._chances.append(looks.probabilities.astype(np.float32))
        self._heat.append(looks.heat.astype(np.float32))
        self._blurred += made.blurred

    def table(self, grid: CropGrid, seen: _Seen, share: NDArray[np.float32], flags: NDArray[np.uint8]) -> PatchTable:
        """Return everything that was judged."""
        index = np.concatenate(self._index)
        blurred = np.asarray(self._blurred, dtype=np.uint8) * np.uint8(BLUR)
        slide = seen.pinned.slide
        return PatchTable(
            grid, index, np.concatenate(self._chances), share[index], flags[index] | blurred,
            shown(np.concatenate(self._heat)), slide.width, slide.height, seen.um,
        )  # fmt: skip


def _unchecked(grid: CropGrid, contract: PatchContract) -> dict[str, str]:
    """Return what cannot be looked for: a patch that was enlarged for the network is smooth whatever its focus is."""
    if grid.side_px >= contract.input_px:
        return {}
    return {"blur": f"patches of {grid.side_px} pixels are enlarged to {contract.input_px}, which hides blur"}


def shown(heat: NDArray[np.float32]) -> NDArray[np.float16]:
    """Return heat in [0, 1]: what speaks against the positive class is 0, the hottest cells of the slide are 1."""
    positive = np.maximum(heat, 0.0)
    hottest = float(np.percentile(positive, _HOTTEST)) if positive.size else 0.0
    hottest = hottest or float(positive.max(initial=0.0))
    return (np.clip(positive / hottest, 0.0, 1.0) if hottest > 0 else positive).astype(np.float16)
