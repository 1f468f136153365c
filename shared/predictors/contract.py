"""What every predictor offers: what it is asked about, whether the inputs suffice, and the answer itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from shared.domain.case import PinnedInput, Pins
from shared.domain.facts import Fact, FactName, PatientFacts
from shared.domain.identity import Side
from shared.domain.images import RegionProposed
from shared.domain.prediction import NotAnalysed, Prediction, UsedInput
from shared.domain.slide_answers import QualityRow
from shared.domain.study import Study
from shared.imaging.dynamic import ImageTrouble
from shared.imaging.region import BreastImages
from shared.imaging.volume import Mask, Volume
from shared.pathology.patch_table import PatchTable
from shared.pathology.stain_fit import StainFit
from shared.pathology.trouble import SlideTrouble
from shared.predictors.imaging import RadiomicsSettings
from shared.predictors.models import Model


@dataclass(frozen=True, slots=True)
class Ready:
    """The inputs suffice: what will be pinned."""

    variant: str
    inputs: tuple[PinnedInput, ...]
    facts: tuple[Fact, ...]
    """The facts the inputs were read from, and those the gate of applicability rests on."""
    side: Side | None
    notes: tuple[str, ...] = ()
    """What the gate could not know; printed with the result."""
    others: tuple[str, ...] = ()
    """Further variants that might answer, richest first: which one does is known once the images were read.

    ``variant`` is the richest; a variant without a bundle is passed over.
    """


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something is missing and may still arrive; after the deadline it becomes ``refusal``."""

    missing: tuple[str, ...]
    refusal: NotAnalysed


@dataclass(frozen=True, slots=True)
class Overtaken:
    """The event has become known since: nothing new is said, and what was said of exactly these inputs stands.

    A risk that was followed by its event was no wrong risk; one that rests on a value corrected since was.
    """

    refusal: NotAnalysed
    """What is said where nothing was said before, or where it rested on other inputs."""
    inputs: tuple[PinnedInput, ...]
    """What the risk would rest on; none where they do not suffice any more."""


@dataclass(frozen=True, slots=True, eq=False)
class SlideMeasured:
    """What reading and judging one slide gave: the grid that makes the result first, then the other where asked for."""

    tables: tuple[PatchTable, ...]
    stain: StainFit
    checked: tuple[QualityRow, ...]
    """What of the glass was looked at; patches and ``score_without`` are filled in by the predictor."""
    runtime: str = ""
    precision: str = ""


class RadiomicsEngine(Protocol):
    """Measures radiomic features of a region; the same input gives the same numbers."""

    @property
    def version(self) -> str:
        """Engine and version, for example ``pyradiomics 3.0.1``."""
        ...

    def measure(
        self, image: Volume, mask: Mask, settings: RadiomicsSettings, names: Collection[str] = ()
    ) -> Mapping[str, float]:
        """Return feature name -> value: those of ``names``, or every one of the preset (exactly 1781).

        Raises:
            InvalidInputError: If the region cannot be measured (empty, one voxel thick, outside); says why.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ImageAnswer:
    """An answer with the arrays that are to be stored beside it."""

    answer: Prediction | NotAnalysed | RegionProposed
    """Its artefacts are empty: whoever stores the arrays fills them in."""
    region: Mask | None = None
    heatmap: Volume | None = None
    """Heat of the positive class on a grid of its own, in [0, 1]; what lies outside it has none."""


class Asked(Protocol):
    """One published method. Pure: the same inputs give the same answer."""

    @property
    def name(self) -> str:
        """Name, for example ``ln_pcr``."""
        ...

    @property
    def takes(self) -> str:
        """What it is asked about: ``study``, ``slide`` or ``panel``."""
        ...


class AskedOfImages(Asked, Protocol):
    """A predictor asked about something that was imaged: a study or one whole-slide image."""

    def not_applicable(self, study: Study) -> str:
        """Return why this study, or slide, is none of its business; empty when it is."""
        ...

    def assess(self, study: Study, facts: PatientFacts) -> Ready | Waiting | NotAnalysed:
        """Tell whether the inputs suffice (a slide's: its gate, its order, the facts), what is missing, or why not."""
        ...


class Predictor(AskedOfImages, Protocol):
    """A predictor asked about a study (``takes == "study"``)."""

    def answer(self, pins: Pins, model: Model) -> Prediction | NotAnalysed:
        """Answer from pinned inputs only."""
        ...


@runtime_checkable
class ImagePredictor(Asked, Protocol):
    """A predictor some of whose variants measure images. Pure as every other: arrays in, numbers out."""

    @property
    def image_variants(self) -> frozenset[str]:
        """Return the variants that measure images; without a bundle of one of them no image is read."""
        ...

    def answer_images(
        self,
        pins: Pins,
        models: Mapping[str, Model],
        images: BreastImages | ImageTrouble,
        engine: RadiomicsEngine | None,
    ) -> ImageAnswer:
        """Answer with the richest variant that can; what images allow no more than that is said.

        Args:
            pins: What was fixed when the case was queued.
            models: By variant, opened: the leading one and ``pins.others``.
            images: The study's volumes and region, or why there are none.
            engine: None where radiomics is not installed here.
        """
        ...


@runtime_checkable
class PanelPredictor(Asked, Protocol):
    """A predictor asked about laboratory values of one draw (``takes == "panel"``); it sees facts and no images."""

    @property
    def analytes(self) -> frozenset[FactName]:
        """Return the facts whose arrival makes a panel: a first one opens a case."""
        ...

    def assess_panel(self, panel: Study, facts: PatientFacts) -> Ready | Waiting | Overtaken | NotAnalysed:
        """Tell whether the values of this draw suffice: those from ``panel.study_date`` to ``panel.panel.last_date``.

        Their age counts from ``panel.completeness.time``, when the first of them reached us: a result does not grow
        too old by being looked at again.
        """
        ...

    def answer(self, pins: Pins, model: Model) -> Prediction | NotAnalysed:
        """Answer from pinned inputs only."""
        ...


@runtime_checkable
class SlidePredictor(AskedOfImages, Protocol):
    """A predictor asked about one whole-slide image (``takes == "slide"``). Pure: tables in, numbers out."""

    def answer_slide(
        self, pins: Pins, model: Model, measured: SlideMeasured | SlideTrouble
    ) -> Prediction | NotAnalysed:
        """Aggregate, with intervals, exclusions and every reading; repeats in milliseconds, never runs a network."""
        ...


@runtime_checkable
class ByHand(Protocol):
    """A predictor whose inputs a person can type: the command line, a what-if page, a cohort sheet."""

    @property
    def levels(self) -> Mapping[str, tuple[str, ...]]:
        """Return the levels each input may have, by input name, in the order people read them; none: it is measured."""
        ...

    def answer_levels(self, levels: Mapping[str, str], model: Model) -> Prediction:
        """Answer from typed levels; the gate of applicability is the caller's business and a flag says so.

        Raises:
            InvalidInputError: If an input is missing, unknown, or not one of its levels; names what is allowed.
        """
        ...


def used_inputs(inputs: tuple[PinnedInput, ...], facts: tuple[Fact, ...]) -> tuple[UsedInput, ...]:
    """Return the inputs with the source, version and date of the newest fact each was read from."""
    by_id = {fact.fact_id: fact for fact in facts}
    rows = []
    for pinned in inputs:
        read = sorted((by_id[i] for i in pinned.facts if i in by_id), key=lambda fact: fact.effective_date)
        newest = read[-1] if read else None
        rows.append(
            UsedInput(
                pinned.name,
                pinned.value,
                newest.source if newest else "",
                newest.version if newest else "",
                newest.effective_date.isoformat() if newest else "",
            )
        )
    return tuple(rows)
