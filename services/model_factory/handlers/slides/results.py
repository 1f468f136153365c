"""What a finished run on slides says: report, card, bundle are made from this and the run's graphs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.model_factory.handlers.cohort.facts import CohortFacts
from services.model_factory.handlers.patches.features.grades import GradedFeature
from services.model_factory.handlers.training.curves import CalibrationCurve, RocCurve
from services.model_factory.handlers.training.stated import Estimated, Provenance, Warned

Judged = Literal["out_of_fold", "held_out"]
"""``held_out``: the split of the paper, or slides of another site."""


@dataclass(frozen=True, slots=True)
class StainNote:
    """How the stains of one slide were found."""

    method: str
    angle_degrees: float
    fallback: str


@dataclass(frozen=True, slots=True)
class SlidesFacts:
    """The slides as they were read."""

    slides: int
    patients: int
    annotated: int
    scanners: tuple[tuple[str, int], ...]
    sites: tuple[tuple[str, int, int], ...]
    """(site, slides, positive)."""
    levels: tuple[tuple[str, int], ...]
    """By IHC and FISH, as the sheet says."""
    treated: int
    """Slides of the NAT arm."""
    fallbacks: tuple[str, ...]
    """Why stains of a slide were not its own, one sentence a slide; none: all were."""
    smallest_angle: float
    """Between the two stains of a slide, degrees."""


@dataclass(frozen=True, slots=True)
class CutFacts:
    """How slides are cut (``PatchContract``)."""

    side_um: float
    input_px: int
    background_variance: float
    least_tissue: float
    haematoxylin: tuple[float, float, float]
    eosin: tuple[float, float, float]
    strengths: tuple[float, float]
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    coarsest_um: float
    learned_px: tuple[int, ...]
    learned_um: tuple[float, ...]
    """Sides of the patches that are learned from, in pixels of level 0 and in micrometres."""
    inside: float
    """Share of tumour from which a patch is tumour."""
    outside: float
    """Share below which it is non-tumour; between both it is not learned from."""
    most_per_slide: int | None


@dataclass(frozen=True, slots=True)
class FitFacts:
    """One training of the patch network."""

    name: str
    slides: int
    patches: tuple[int, int, int]
    """Non-tumour, negative, positive."""
    epochs: int
    kept_epoch: int
    """From 1."""


@dataclass(frozen=True, slots=True)
class PatchAuc:
    """How well the network tells single patches of unseen slides apart; the interval is by resampled patients."""

    positive_class: str
    """``her2_positive``: among tumour patches; ``tumour``: among all."""
    auc: float
    low: float
    high: float
    method: str
    patches: int
    positives: int


@dataclass(frozen=True, slots=True)
class PatchFacts:
    """The annotated patches of unseen slides, all folds together."""

    patients: int
    slides: int
    aucs: tuple[PatchAuc, ...]
    confusion: tuple[tuple[int, int, int], ...]
    """Rows: truly non-tumour, negative, positive; columns: the most probable one."""
    roc: tuple[tuple[float, float], ...]
    """(false positive rate, sensitivity) for her2_positive among tumour patches."""


@dataclass(frozen=True, slots=True)
class GradedFeatures:
    """Hand-made features of tumour patches compared between the five grades (``handlers/patches/features``)."""

    patches: tuple[int, ...]
    """Per grade, I to V."""
    features: tuple[GradedFeature, ...]


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """The kept network."""

    architecture: str
    parameters: int
    pretrained: str
    """Empty: random weights at first."""
    frozen: int
    heat_cells: int
    epochs: int
    losses: tuple[tuple[float, float], ...]
    """(training, validation) per epoch."""
    graph_sha256: str
    golden: tuple[tuple[float, float, float], ...]
    """What it says of the golden patches, by ONNX Runtime."""
    tolerance: float
    precisions: tuple[tuple[str, str, float, int], ...] = ()
    """(arithmetic, graph among the run's, largest difference of a score, golden slides) of what passed the gate."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """Spearman's correlation of a method's score."""

    method: str
    kind: Judged
    against: Literal["level", "rcb"]
    site: str
    """Empty: all."""
    rho: float | None
    interval: tuple[float, float] | None
    interval_method: str
    n: int
    p: float | None
    """By the t approximation."""


@dataclass(frozen=True, slots=True)
class DunnRow:
    """Two groups of slides by Dunn's test on TL-PA's score."""

    against: Literal["level", "rcb"]
    first: str
    second: str
    z: float
    p: float
    p_holm: float


@dataclass(frozen=True, slots=True)
class LevelScores:
    """TL-PA's scores of the slides of one level: nothing says they must rise."""

    level: str
    n: int
    median: float
    low: float
    high: float
    """Quartiles."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """What IHC and FISH said (rows) against what the slide resembles (columns), five by five."""

    method: str
    kind: Judged
    site: str
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """TL-PA and another method on the same slides: DeLong, or resampled patients where one has several slides."""

    kind: Judged
    first: str
    second: str
    difference: float
    """AUC of the second less that of the first."""
    interval: tuple[float, float]
    p: float


@dataclass(frozen=True, slots=True)
class Timed:
    """How long one method takes from what it needs of the patches to a score; of one thread."""

    method: str
    median_s: float
    slowest_s: float
    slides: int
    patches: int
    """Median per slide."""
    learned_s: float | None
    """To fit on one fold; None: TL-PA's aggregation learns nothing."""


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """The same patches under another reading of the paper."""

    area: str
    rounding: str
    auc: float | None
    not_scorable: int
    set_to_zero: int
    """By Eq. 6."""
    mean_difference: float
    """Mean absolute, against the run's own reading."""
    levels_changed: int
    n: int


@dataclass(frozen=True, slots=True)
class CroppingSensitivity:
    """The same slides cut by the other rule."""

    own: str
    other: str
    n: int
    own_um: tuple[float, float]
    """Smallest and largest side of a patch."""
    other_um: tuple[float, float]
    mean_difference: float | None
    """Of the score, other less own."""
    mean_absolute: float | None
    levels_changed: int
    not_scorable: int
    """By the other rule."""
    auc_own: float | None
    auc_other: float | None


@dataclass(frozen=True, slots=True)
class Platt:
    """P(her2_positive) = 1 / (1 + exp(-(intercept + slope * score))), fitted on scores of unseen slides."""

    intercept: float
    slope: float
    covariance: tuple[tuple[float, ...], ...]
    n: int
    events: int
    penalised: bool
    note: str
    """Empty where nothing was wrong."""


@dataclass(frozen=True, slots=True)
class SlideScore:
    """One judged slide, by its number in the sheet; None: not scorable."""

    number: int
    kind: Judged
    positive: bool
    level: str
    """By IHC and FISH; empty: not known."""
    score: float | None
    resembles: str
    tumour_patches: int
    patches: int


@dataclass(frozen=True, slots=True)
class GoldenSlideFacts:
    """A slide whose score and level no cheaper arithmetic may change."""

    name: str
    score: float
    level: str


@dataclass(frozen=True, slots=True)
class SlidesResults:
    """One finished run."""

    schema_version: Literal[1]
    kind: Literal["slides"]
    provenance: Provenance
    cohort: CohortFacts
    slides: SlidesFacts
    cut: CutFacts
    reading: tuple[str, str, str]
    """Cropping, area, rounding that made the scores."""
    fits: tuple[FitFacts, ...]
    network: NetworkFacts
    patches: PatchFacts | None
    """None: no annotated patches of every kind among the slides judged."""
    patch_features: GradedFeatures | None
    """None: no patch has a grade."""
    features: tuple[tuple[str, str], ...]
    """(comparator, where its features come from)."""
    performance: tuple[Estimated, ...]
    roc: tuple[RocCurve, ...]
    calibration_curves: tuple[CalibrationCurve, ...]
    compared: tuple[Compared, ...]
    ranked: tuple[Ranked, ...]
    dunn: tuple[DunnRow, ...]
    level_scores: tuple[LevelScores, ...]
    confusion: tuple[Confusion, ...]
    times: tuple[Timed, ...]
    readings: tuple[ReadingRow, ...]
    croppings: CroppingSensitivity | None
    platt: Platt
    scores: tuple[SlideScore, ...]
    golden_slides: tuple[GoldenSlideFacts, ...]
    warnings: tuple[Warned, ...]
