"""A cohort of slides: whose they are, where they lie, what IHC and FISH said, how the patients responded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.model_factory.handlers.cohort.facts import FlowBox
from services.model_factory.handlers.cohort.typed import Column, Counts, Flags, Numbers, Source
from shared.domain.slide_answers import SlideLevel

LEVELS: Mapping[str, SlideLevel] = {
    "0": SlideLevel.RESEMBLES_0,
    "1+": SlideLevel.RESEMBLES_1,
    "2+/FISH-": SlideLevel.RESEMBLES_2_FISH_NEGATIVE,
    "2+/FISH+": SlideLevel.RESEMBLES_2_FISH_POSITIVE,
    "3+": SlideLevel.RESEMBLES_3,
}
"""What a sheet writes (measured by IHC and FISH) -> the level of paper 003 that resembles it."""
LEVEL_NAMES = tuple(LEVELS)
RCB = ("0", "I", "II", "III")


@dataclass(frozen=True, slots=True)
class SlideFiles:
    """Where one slide lies, and what a person vouches for."""

    file: Path
    sha256: str
    annotation: Path | None
    """None: nothing is learned from this slide."""
    annotation_sha256: str
    microns_per_pixel: float | None
    """None: what the file says."""
    scanner: str
    """Empty: what the file says."""


@dataclass(frozen=True, slots=True, eq=False)
class SlideCohort:
    """Slides in the order of the sheet; every array has one entry per slide (``People``, a patient may repeat)."""

    name: str
    description: str
    simulated: bool
    event: str
    event_display: str
    patients: tuple[str, ...]
    events: Flags
    slides: tuple[SlideFiles, ...]
    levels: Counts
    """Place in ``LEVEL_NAMES``; -1: not known."""
    sites: tuple[str, ...]
    learned_from: Flags
    """False: an external slide."""
    non_pcr: Counts
    """1: treated, without pCR (the positive class of the NAT arm); 0: with pCR; -1: not treated, or not known."""
    rcb: Counts
    """Place in ``RCB``; -1: not known."""
    flow: tuple[FlowBox, ...]
    sources: tuple[Source, ...]

    @property
    def n(self) -> int:
        """Return the number of slides."""
        return len(self.patients)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Return the candidates: none, a slide is all there is."""
        return ()

    @property
    def measured(self) -> Mapping[str, Numbers]:
        """Return the measured candidates: none."""
        return {}

    @property
    def categorical(self) -> Mapping[str, Counts]:
        """Return the categorical candidates: none."""
        return {}

    def column(self, name: str) -> Column:
        """Return the candidate ``name``.

        Raises:
            KeyError: Always.
        """
        raise KeyError(name)

    def only(self, places: Counts, left: FlowBox) -> SlideCohort:
        """Return the slides at ``places``, with ``left`` as the next box of the flow."""
        return SlideCohort(
            self.name, self.description, self.simulated, self.event, self.event_display,
            tuple(self.patients[i] for i in places), np.asarray(self.events[places]),
            tuple(self.slides[i] for i in places), self.levels[places], tuple(self.sites[i] for i in places),
            np.asarray(self.learned_from[places]), self.non_pcr[places], self.rcb[places], (*self.flow, left),
            self.sources,
        )  # fmt: skip
