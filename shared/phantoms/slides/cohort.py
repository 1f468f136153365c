"""A cohort of simulated slides: whose they are, what is true of them, how each was stained and scanned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.phantoms.slides.artefacts import draw_artefacts
from shared.phantoms.slides.optics import SCANNERS, Scanner
from shared.phantoms.slides.slide import SIDE_PX, Plan, SimulatedSlide, make_slide
from shared.phantoms.slides.truth import Truths, draw_truths

_SECOND_BLOCK = 0.08
"""Share of slides that are another block of the woman before."""


@dataclass(frozen=True, slots=True, eq=False)
class DrawnSlides:
    """Everything that is drawn before a slide is made; one entry per slide."""

    seed: int
    patient: NDArray[np.intp]
    """From 0; all slides of a woman have the same truth."""
    truth: Truths
    scanner: NDArray[np.intp]
    """Place in ``SCANNERS``; nothing depends on it but colours, noise and pixel size."""

    @property
    def n(self) -> int:
        """Return the number of slides."""
        return len(self.patient)


def draw_slides(n: int, seed: int = 1) -> DrawnSlides:
    """Draw ``n`` slides; the same numbers give the same cohort.

    Raises:
        ValueError: If ``n`` is not positive.
    """
    if n < 1:
        raise ValueError(f"a cohort has at least one slide, not {n}")
    rng = np.random.default_rng(seed)
    patient = np.cumsum(np.r_[0, rng.random(n - 1) >= _SECOND_BLOCK]).astype(np.intp)
    women = draw_truths(rng, int(patient[-1]) + 1)
    truth = Truths(women.level[patient], women.shown[patient], women.probability[patient], women.rcb[patient])
    return DrawnSlides(seed, patient, truth, rng.integers(len(SCANNERS), size=n).astype(np.intp))


def plan_of(cohort: DrawnSlides, row: int, side_px: int = SIDE_PX) -> tuple[Scanner, Plan, np.random.Generator]:
    """Return scanner, plan and generator of one slide; each has its own, whoever else is in the cohort."""
    rng = np.random.default_rng((cohort.seed, row))
    plan = Plan(
        shown=float(cohort.truth.shown[row]),
        side_px=side_px,
        tissue_share=float(rng.uniform(0.35, 0.5)),
        tumour_share=float(rng.uniform(0.3, 0.6)),
        lymphocytes=float(rng.uniform(0.08, 0.2)),
        artefacts=draw_artefacts(rng),
    )
    return SCANNERS[int(cohort.scanner[row])], plan, rng


def scan(cohort: DrawnSlides, row: int, side_px: int = SIDE_PX) -> SimulatedSlide:
    """Simulate one slide of the cohort, ``side_px`` wide and high."""
    scanner, plan, rng = plan_of(cohort, row, side_px)
    return make_slide(rng, scanner, plan)
