"""What the patches of a slide gave: the TL-PA result (paper 003) with everything it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.domain.slides import Cropping, Exclusion


class SlideLevel(StrEnum):
    """The five levels of paper 003: what a slide *resembles*; H&E shows neither IHC nor FISH.

    They are names, in no order of worth: in the paper 3+ scores lower than 2+/FISH+, and a higher score goes with a
    worse response. No rendering may suggest otherwise.
    """

    RESEMBLES_0 = "resembles_0"
    RESEMBLES_1 = "resembles_1"
    RESEMBLES_2_FISH_NEGATIVE = "resembles_2_fish_negative"
    RESEMBLES_2_FISH_POSITIVE = "resembles_2_fish_positive"
    RESEMBLES_3 = "resembles_3"


@dataclass(frozen=True, slots=True)
class QualityRow:
    """One property of the glass that was looked at, or that was not."""

    kind: str
    """``tissue``, ``blur``, ``pen``, ``fold``."""
    checked: bool
    """False: ``text`` says why not; "not found" and "not checked" are different answers."""
    area_mm2: float = 0.0
    share: float = 0.0
    """Of the tissue; of ``tissue`` itself: of the glass."""
    patches: int = 0
    """Patches it lies on."""
    score_without: float | None = None
    """The score with these patches left out; None where nothing was found or scored."""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """One ambiguous term of the paper, and how it was read."""

    name: str
    choice: str
    text: str


@dataclass(frozen=True, slots=True)
class LevelShare:
    """How often the bootstrap ended at a level."""

    level: SlideLevel
    share: float


@dataclass(frozen=True, slots=True)
class GradeCount:
    """Patches of one grade (paper 003: I .33-.4, II .4-.5, III .5-.6, IV .6-.7, V from .7)."""

    grade: str
    patches: int


@dataclass(frozen=True, slots=True)
class CropAnswer:
    """What one grid gave."""

    cropping: Cropping
    side_px: int
    """Of level 0."""
    side_um: float
    patches: int
    """With tissue, after the background rule."""
    tumour_patches: int
    score: float | None = None
    """None: not scorable."""
    level: SlideLevel | None = None


@dataclass(frozen=True, slots=True)
class StainVectors:
    """Optical density per stain, unit length, (red, green, blue); how they were found."""

    method: str
    """``vahadane``, or the fallback that was used."""
    haematoxylin: tuple[float, ...]
    eosin: tuple[float, ...]
    angle_degrees: float
    fallback: str = ""
    """Why the fit was not used; empty where it was."""


@dataclass(frozen=True, slots=True)
class GradientPoint:
    """Mean probability at one distance from the edge of the tumour."""

    distance_um: float
    """Positive: inside, towards the core; negative: peritumoral."""
    mean: float
    patches: int


@dataclass(frozen=True, slots=True)
class SlideAnswer:
    """The TL-PA result of one slide (paper 003, Eq. 2-6) with everything it rests on."""

    score: float
    level: SlideLevel
    area_share: float
    """Area_IHC of Eq. 3."""
    levels: tuple[LevelShare, ...]
    croppings: tuple[CropAnswer, ...]
    """The one that made the result first."""
    terms: tuple[Term, ...]
    stain: StainVectors
    grades: tuple[GradeCount, ...]
    quality: tuple[QualityRow, ...]
    score_interval: tuple[float, float] | None = None
    """95 %, spatial block bootstrap."""
    indeterminate: str = ""
    """Why no level is stated: then the advice is reflex IHC/ISH. Empty: the level stands."""
    gradient: tuple[GradientPoint, ...] = ()
    gradient_slope: float | None = None
    """Of the probability per millimetre from the edge inwards; None where the tumour is too small."""
    calibration: str = ""
    """Which record was applied, or that none is known for this scanner."""
    exclusions: tuple[Exclusion, ...] = ()
