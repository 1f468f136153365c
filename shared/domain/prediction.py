"""What a predictor answers: probabilities with their meaning, or a coded reason for not answering."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.domain.coding import Coding
from shared.domain.images import Artefact, ImageBasis, Measured
from shared.domain.slide_answers import SlideAnswer


class IntendedUse(StrEnum):
    """What a bundle may be used for; printed on every object it produces."""

    DEMONSTRATION = "demonstration"
    RESEARCH = "research"
    CLINICAL = "clinical"

    @property
    def rank(self) -> int:
        """Return how much it allows: a model of a lower rank never speaks before one of a higher."""
        return list(IntendedUse).index(self)


class NotAnalysedReason(StrEnum):
    """Why a question was asked and could not be answered; texts are in ``shared.codes.local``."""

    MISSING_INPUT = "missing_input"
    CONTRADICTING_INPUT = "contradicting_input"
    UNUSABLE_INPUT = "unusable_input"
    NOT_NODE_POSITIVE = "not_node_positive"
    THERAPY_BEFORE_IMAGES = "therapy_before_images"
    AMBIGUOUS_TUMOUR = "ambiguous_tumour"
    SIDE_CONFLICT = "side_conflict"
    NO_BUNDLE = "no_bundle"
    OUT_OF_DISTRIBUTION = "out_of_distribution"
    ALREADY_METASTATIC = "already_metastatic"
    NOT_FEMALE = "not_female"
    ACTIVE_INFECTION = "active_infection"
    RHEUMATIC_DISEASE = "rheumatic_disease"
    NOT_ONE_DRAW = "not_one_draw"
    HORIZON_NOT_SUPPORTED = "horizon_not_supported"
    RESOLUTION_UNKNOWN = "resolution_unknown"
    RESOLUTION_IMPLAUSIBLE = "resolution_implausible"
    RESOLUTION_TOO_LOW = "resolution_too_low"
    UNREADABLE_SLIDE = "unreadable_slide"
    NOT_HE = "not_he"
    LYMPH_NODE = "lymph_node"
    AFTER_THERAPY = "after_therapy"
    NO_TISSUE = "no_tissue"
    NO_TUMOUR = "no_tumour"


@dataclass(frozen=True, slots=True)
class BundleReference:
    """Which model answered: never a name alone."""

    bundle_id: str
    version: str
    digest: str
    """sha256 of ``bundle.json`` (hex); that file names the sha256 of every other file."""
    intended_use: IntendedUse


@dataclass(frozen=True, slots=True)
class UsedInput:
    """One value an answer rests on, with where it came from."""

    name: str
    value: str
    source: str = ""
    version: str = ""
    effective_date: str = ""
    """ISO 8601 date; empty where the input has none."""


@dataclass(frozen=True, slots=True)
class Flag:
    """Something the reader must know about this answer."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Alternative:
    """The probability under another reading of an ambiguous input."""

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the probability is the probability of, and of what its complement is."""

    positive_class: str
    """Local code of the event the probability belongs to, for example ``axillary_pcr``."""
    display: str
    complement_class: str
    complement_display: str
    favourable: bool
    """True where the event is good news: it then never sets FHIR ``qualitativeRisk``."""
    coding: Coding | None = None


@dataclass(frozen=True, slots=True)
class HorizonRisk:
    """The probability that the event happens within a time from the day of its inputs on."""

    years: int
    probability: float | None
    """In [0, 1]; None where the bundle refuses this horizon (``refused`` says why)."""
    interval: tuple[float, float] | None = None
    """95 % interval."""
    refused: str = ""
    """One sentence, for example that too few patients were followed so long; empty where there is a probability."""


@dataclass(frozen=True, slots=True)
class InputPoints:
    """What one input contributes on the nomogram's scale."""

    name: str
    points: float
    """From 0 to 100 within the range the model has seen."""


@dataclass(frozen=True, slots=True)
class VariantAnswer:
    """What one variant of the predictor says; the richest that can answer is the result."""

    variant: str
    """For example ``clinical_dlr``."""
    probability: float | None
    """Of ``outcome.positive_class``; None where this variant could not answer."""
    bundle: BundleReference | None = None
    classifier: str = ""
    """``logistic`` or ``forest``."""
    interval: tuple[float, float] | None = None
    why_not: str = ""
    """One sentence; empty where there is a probability."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A predictor's answer; ``probability`` is that of ``outcome.positive_class``, in [0, 1]."""

    predictor: str
    variant: str
    bundle: BundleReference
    outcome: Outcome
    probability: float
    inputs: tuple[UsedInput, ...]
    flags: tuple[Flag, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    interval: tuple[float, float] | None = None
    """95 % interval of the probability, None where the bundle can give none (a flag then says why)."""
    runtime: str = ""
    """Engine, version and provider that ran the graph."""
    precision: str = ""
    """Arithmetic of the graph, for example ``float64``."""
    horizons: tuple[HorizonRisk, ...] = ()
    """Time-to-event predictors: one row per horizon, nearest first; ``probability`` is the first that is given."""
    points: tuple[InputPoints, ...] = ()
    """Nomogram points, one row per input, in the nomogram's order; empty for predictors without one."""
    variant_reason: str = ""
    """Why this variant and no other: "Clinical-DLR: all inputs are there". Empty for predictors with one variant."""
    variants: tuple[VariantAnswer, ...] = ()
    """Every variant's answer, richest first, this one's included; empty for predictors with one variant."""
    images: ImageBasis | None = None
    """Which images were measured; None where none were."""
    measured: tuple[Measured, ...] = ()
    """Numbers measured in the images."""
    artefacts: tuple[Artefact, ...] = ()
    """Region and heatmap, as they are sent to the PACS; of a slide its patches and its overview."""
    slide: SlideAnswer | None = None
    """Score, level and what they rest on; None where no slide was scored."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError(f"a probability lies in [0, 1], got {self.probability}")

    @property
    def complement(self) -> float:
        """Return the probability of ``outcome.complement_class``."""
        return 1.0 - self.probability

    @property
    def bundles(self) -> tuple[BundleReference, ...]:
        """Return every bundle whose number is shown, the one of the result first."""
        beside = (one.bundle for one in self.variants if one.bundle and one.probability is not None)
        return tuple(dict.fromkeys((self.bundle, *beside)))


@dataclass(frozen=True, slots=True)
class NotAnalysed:
    """The question was asked and could not be answered, because ..."""

    predictor: str
    reason: NotAnalysedReason
    text: str
    """One sentence a clinician understands, naming what is missing or wrong."""
    inputs: tuple[UsedInput, ...] = ()
