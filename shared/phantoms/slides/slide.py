"""One simulated slide: glass, a piece of tissue, tumour nests in it, as a scanner stores them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from shared.phantoms.slides.artefacts import CLEAN, Artefacts, folded, ink, out_of_focus
from shared.phantoms.slides.nests import nest_shown, render_nests, tumour_cells
from shared.phantoms.slides.optics import DAB, Field, Pixels, Scanner, Staining, draw_staining, seen
from shared.phantoms.slides.outlines import Outline, draw_outline, nests_within, numbered
from shared.phantoms.slides.stroma import render_node, render_stroma

SIDE_PX = 2048
_NEST_UM = (38.0, 85.0)
_UNREST = 0.12


class Kind(StrEnum):
    """What lies on the glass."""

    TUMOUR = "tumour"
    LYMPH_NODE = "lymph_node"
    IHC = "ihc"
    """Haematoxylin and a brown membrane (diaminobenzidine) instead of eosin: not an H&E slide."""
    BLANK = "blank"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a slide shall show."""

    shown: float = 0.0
    """The HER2-like factor of ``truth.py``."""
    kind: Kind = Kind.TUMOUR
    side_px: int = SIDE_PX
    tissue_share: float = 0.45
    """Of the glass."""
    tumour_share: float = 0.45
    """Of the tissue."""
    lymphocytes: float = 0.12
    artefacts: Artefacts = CLEAN


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedSlide:
    """The pixels, and what is true of them."""

    pixels: Pixels
    """(height, width, 3) in the scanner's colour space."""
    scanner: Scanner
    staining: Staining
    plan: Plan
    tissue: Outline
    nests: tuple[Outline, ...]
    folds: NDArray[np.bool_] | None = None
    blurred: NDArray[np.bool_] | None = None
    """(height, width): where; None: nowhere."""


def make_slide(rng: np.random.Generator, scanner: Scanner, plan: Plan) -> SimulatedSlide:
    """Simulate one slide."""
    shape, microns = (plan.side_px, plan.side_px), scanner.microns_per_pixel
    staining = draw_staining(rng, scanner)
    tissue = _piece(rng, plan)
    has_nests = plan.kind in (Kind.TUMOUR, Kind.IHC)
    radii = (_NEST_UM[0] / microns, _NEST_UM[1] / microns)
    nests = nests_within(rng, tissue, radii, plan.tumour_share) if has_nests else ()
    stains = _stains(rng, plan, tissue, nests, microns)
    folds = folded(rng, stains, microns) if plan.artefacts.fold else None
    blurred = out_of_focus(rng, stains, microns) if plan.artefacts.blur else None
    veil = ink(rng, shape, plan.artefacts.pen, microns) if plan.artefacts.pen else None
    worn = Staining(staining.haematoxylin, DAB, staining.strengths) if plan.kind is Kind.IHC else staining
    pixels = seen(rng, *stains, worn, scanner, veil)
    return SimulatedSlide(pixels, scanner, worn, plan, tissue, nests, folds, blurred)


def _piece(rng: np.random.Generator, plan: Plan) -> Outline:
    middle = plan.side_px * rng.uniform(0.47, 0.53, 2)
    radius = plan.side_px * np.sqrt(plan.tissue_share / np.pi)
    return draw_outline(rng, (float(middle[0]), float(middle[1])), float(radius), _UNREST)


def _stains(
    rng: np.random.Generator, plan: Plan, tissue: Outline, nests: tuple[Outline, ...], microns: float
) -> tuple[Field, Field]:
    """Return the concentrations of the two stains."""
    shape = (plan.side_px, plan.side_px)
    if plan.kind is Kind.BLANK:
        return np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    room = numbered((tissue,), shape) > 0
    if plan.kind is Kind.LYMPH_NODE:
        return render_node(rng, room, microns)
    numbers = numbered(nests, shape) * room
    around = render_stroma(rng, room & (numbers == 0), microns, plan.lymphocytes)
    cells = tumour_cells(rng, numbers, nest_shown(rng, plan.shown, len(nests)), microns)
    within = render_nests(rng, numbers, cells, microns)
    if plan.kind is Kind.IHC:
        return around[0] + within[0], around[1] * np.float32(0.05) + within[1] * np.float32(1.8)
    return around[0] + within[0], around[1] + within[1]
