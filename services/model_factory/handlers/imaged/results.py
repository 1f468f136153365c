"""What a finished run on images says: report, cards and bundles are made from this and the run's graphs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.model_factory.handlers.cohort.facts import CohortFacts, Table1Row
from services.model_factory.handlers.training.curves import CalibrationCurve, DecisionCurve, RocCurve, SurvivalByGroup
from services.model_factory.handlers.training.stated import EffectLine, Estimated, Preset, Provenance, Ratio, Warned


@dataclass(frozen=True, slots=True)
class Compared:
    """Two models on the same patients (DeLong)."""

    kind: Literal["apparent", "out_of_fold", "held_out", "after_selection"]
    first: str
    second: str
    difference: float
    """AUC of the second less that of the first."""
    interval: tuple[float, float]
    p: float


@dataclass(frozen=True, slots=True)
class FoldAucs:
    """AUC of one model in every fold: the paper prints five of each."""

    model: str
    kind: Literal["out_of_fold", "after_selection"]
    values: tuple[float, ...]
    mean: float
    deviation: float
    """Of a sample (n - 1)."""


@dataclass(frozen=True, slots=True)
class Fared:
    """Disease-free survival by what one model predicted; patients with M1 left out."""

    model: str
    kind: Literal["out_of_fold", "held_out"]
    by_call: SurvivalByGroup | None
    """Predicted axillary pCR or not, at the frozen threshold."""
    by_third: SurvivalByGroup | None
    per_log_odds: Ratio | None
    """Cox hazard ratio per unit of the log-odds of axillary pCR."""
    left_out: int
    """Patients with M1."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of doing it, judged."""

    name: Preset
    how: tuple[str, ...]
    """In words."""
    performance: tuple[Estimated, ...]
    roc: tuple[RocCurve, ...]
    calibration: tuple[CalibrationCurve, ...]
    decision: tuple[DecisionCurve, ...]
    compared: tuple[Compared, ...]
    folds: tuple[FoldAucs, ...]
    fared: tuple[Fared, ...]


@dataclass(frozen=True, slots=True)
class ScoreTerm:
    """One feature of the rad-score: coefficient x (value - mean) / deviation."""

    feature: str
    mean: float
    deviation: float
    coefficient: float


@dataclass(frozen=True, slots=True)
class PaperFeature:
    """One of the paper's six, and whether the screening found it."""

    feature: str
    chosen: bool
    """In the final rad-score."""
    fits: int
    """Of the fits on parts of the patients, how many chose it."""
    p: float | None
    """Mann-Whitney, among the rows of the final rad-score; None where it was not measured."""


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """How the features were measured, as the bundle states it (``RadiomicsSettings``)."""

    preset: Literal["A", "B", "C"]
    bin_width: float | None
    bin_count: int | None
    normalise: bool
    normalise_scale: float
    voxel_array_shift: float
    resampled_mm: tuple[float, float, float] | None


@dataclass(frozen=True, slots=True)
class RadScoreFacts:
    """The rad-score of the kept models."""

    settings: ScoreSettings
    settings_sha256: str
    engine: str
    measured: int
    """Features per patient."""
    terms: tuple[ScoreTerm, ...]
    steps: tuple[tuple[str, int], ...]
    """(step of the screening, features left)."""
    prespecified: bool
    paper: tuple[PaperFeature, ...]
    fits: int


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """The network of the kept models."""

    architecture: str
    parameters: int
    input_shape: tuple[int, int, int, int]
    margin: float
    heat_layer: str
    heat_shape: tuple[int, int, int]
    epochs: int
    losses: tuple[tuple[float, float], ...]
    """(training, validation) per epoch."""
    golden_probability: float
    golden_peak: tuple[int, int, int]
    tolerance: float
    graph_sha256: str
    precisions: tuple[tuple[str, float, int], ...] = ()
    """(arithmetic, max |difference of probability| to float32, crops) of what was admitted by measured drift."""


@dataclass(frozen=True, slots=True)
class GoldenRow:
    """One row of columns with what both classifiers say of it."""

    inputs: tuple[tuple[str, str], ...]
    """Levels."""
    features: tuple[float, ...]
    logistic: float
    forest: float
    """In single precision, by ONNX Runtime."""


@dataclass(frozen=True, slots=True)
class FamilyModel:
    """The kept models of one family."""

    family: str
    columns: tuple[str, ...]
    n: int
    events: int
    intercept: float
    coefficients: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    """Of (intercept, coefficients)."""
    penalised: bool
    logistic_threshold: float
    forest_threshold: float
    trees: int
    per_split: int
    forest_parity: float
    """Largest difference of probability between scikit-learn and the graph over all training rows."""
    golden: tuple[GoldenRow, ...]


@dataclass(frozen=True, slots=True)
class SeenFacts:
    """What the kept models have seen (``SeenDistribution``)."""

    ranges: tuple[tuple[str, float, float], ...]
    manufacturers: tuple[str, ...]
    features: tuple[str, ...]
    mean: tuple[float, ...]
    precision: tuple[tuple[float, ...], ...]
    quantiles: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Tuned:
    """One setting of the random forest, by cross-validated AUC on the training rows."""

    trees: int
    per_split: int
    auc: float


@dataclass(frozen=True, slots=True)
class ImagedResults:
    """One finished run."""

    schema_version: Literal[1]
    kind: Literal["images"]
    provenance: Provenance
    cohort: CohortFacts
    table1: tuple[Table1Row, ...]
    """By the event (the paper's table 2)."""
    table_split: tuple[Table1Row, ...]
    """To learn from against held out: two columns, not three that overlap (the paper's table 1; methods P0-9)."""
    held_out: int
    effects: tuple[EffectLine, ...]
    """Odds ratios of axillary pCR, alone and together (the paper's table 3, with the event named)."""
    arms: tuple[Arm, ...]
    """The preset's own first."""
    models: tuple[FamilyModel, ...]
    rad_score: RadScoreFacts | None
    network: NetworkFacts | None
    seen: SeenFacts | None
    tuning: tuple[Tuned, ...]
    warnings: tuple[Warned, ...]
