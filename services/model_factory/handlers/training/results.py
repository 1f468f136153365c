"""What a finished run says, typed: report, card and bundle are made from this alone, without computing again.

Every number about performance is an :class:`Estimated` with the class it is about, the patients it was measured on and
how its interval was made. Times are years. Where something could not be computed there is None and a warning says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.model_factory.handlers.training.curves import (
    CalibrationCurve,
    CumulativeIncidence,
    DecisionCurve,
    MaximalCut,
    RocCurve,
    SurvivalByGroup,
)

Preset = Literal["paper", "corrected"]


@dataclass(frozen=True, slots=True)
class FlowBox:
    """One box of the flow diagram."""

    label: str
    """Who remains, or why the others left."""
    excluded: int
    remaining: int
    events: int
    """Among those who remain."""


@dataclass(frozen=True, slots=True)
class CohortFacts:
    """The cohort as it was read."""

    name: str
    description: str
    event: str
    """Code of the event, for example ``lung_metastasis``."""
    event_display: str
    competing_event: str
    """Empty where the cohort records none."""
    patients: int
    events: int
    competing_events: int
    candidates: int
    candidate_columns: int
    """Columns of the design matrix: a factor has one for every level but its reference."""
    median_follow_up_years: float
    """By the reverse Kaplan-Meier estimate; among those who stay free of the event."""
    last_event_years: float
    longest_follow_up_years: float
    simulated: bool
    """True where the manifest says that these are no patients."""
    flow: tuple[FlowBox, ...]


@dataclass(frozen=True, slots=True)
class Table1Row:
    """One line of the table of characteristics: overall, without and with the event."""

    variable: str
    level: str
    """Empty for a measured variable."""
    unit: str
    overall: str
    """Median (quartiles) or n (%); as printed."""
    without_event: str
    with_event: str
    missing: int
    test: str
    """Name of the test; empty on the further lines of a factor."""
    p: float | None


@dataclass(frozen=True, slots=True)
class Importance:
    """What one method says of one candidate."""

    candidate: str
    importance: float
    """Sum over the candidate's columns: absolute standardised coefficient, mean impurity decrease, or gain."""
    chosen: bool


@dataclass(frozen=True, slots=True)
class MethodSelection:
    """One selector on the training patients."""

    method: str
    """``lasso``, ``random_forest``, ``xgboost``."""
    rule: str
    """How an importance becomes a choice, in words."""
    importances: tuple[Importance, ...]
    """All candidates, most important first."""


@dataclass(frozen=True, slots=True)
class LassoPath:
    """Cross-validated deviance along the penalty."""

    lambdas: tuple[float, ...]
    """Largest first."""
    deviance: tuple[float, ...]
    """Mean over the folds, per patient; empty where the method does not keep it."""
    standard_error: tuple[float, ...]
    chosen: float
    coefficients: tuple[tuple[float, ...], ...]
    """[lambda, column], columns as in ``columns``."""
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Frequency:
    """How often a candidate was chosen when the training patients were drawn again."""

    candidate: str
    lasso: float
    random_forest: float
    xgboost: float
    intersection: float
    """Fraction of the draws."""


@dataclass(frozen=True, slots=True)
class VennFrequency:
    """How often exactly these methods chose the candidate: one region of the Venn diagram, over the draws."""

    candidate: str
    methods: tuple[str, ...]
    share: float
    """Fraction of the draws; above 0."""


@dataclass(frozen=True, slots=True)
class Steadiness:
    """Whether a method chooses the same candidates when the patients are drawn again (Nogueira's index)."""

    method: str
    """A method, or ``intersection``."""
    index: float | None
    """1: always the same; 0: no better than chance; None where it always takes all candidates or none."""


@dataclass(frozen=True, slots=True)
class VennCount:
    """Candidates chosen by exactly these methods."""

    methods: tuple[str, ...]
    count: int
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which candidates became the model's variables."""

    prespecified: bool
    """True where the variables were named beforehand; the selectors' opinion is then shown and not followed."""
    chosen: tuple[str, ...]
    methods: tuple[MethodSelection, ...]
    path: LassoPath
    venn: tuple[VennCount, ...]
    draws: int
    """Bootstraps behind ``frequencies``; 0 where none were made."""
    frequencies: tuple[Frequency, ...]
    fold_choices: tuple[tuple[str, ...], ...]
    """What the intersection was in each fold of the cross-validation."""
    regions: tuple[VennFrequency, ...] = ()
    steadiness: tuple[Steadiness, ...] = ()


@dataclass(frozen=True, slots=True)
class Ratio:
    """A hazard ratio with its Wald interval (95 %) and p value."""

    value: float
    interval: tuple[float, float]
    p: float


@dataclass(frozen=True, slots=True)
class EffectLine:
    """One column of the design in the uni- and multivariable table (table 2 of the paper)."""

    feature: str
    candidate: str
    transform: Literal["identity", "log1p", "indicator"]
    """The ratio is per unit of the transformed value; of an indicator: against the reference level."""
    level: str
    univariable: Ratio | None
    """None where no finite one exists: a level without events."""
    multivariable: Ratio | None
    """None where the column is not in the final model, too."""


@dataclass(frozen=True, slots=True)
class Carried:
    """How many candidates these patients carry, for a shrinkage of at least .9 (Riley et al., criterion 1)."""

    patients_needed: int
    candidates_carried: int
    sentence: str


@dataclass(frozen=True, slots=True)
class CoxTerm:
    """One coefficient of the final model."""

    feature: str
    candidate: str
    transform: Literal["identity", "log1p", "indicator"]
    level: str
    """Of an indicator."""
    unit: str
    """Of the candidate; of the value before the transform."""
    log_hazard_ratio: float
    standard_error: float
    p: float
    centre: float
    low: float
    """Smallest value of the candidate (before the transform) among the training patients; 0 for an indicator."""
    high: float
    detection_limit: float | None
    univariable_log_hazard_ratio: float
    univariable_standard_error: float
    univariable_p: float


@dataclass(frozen=True, slots=True)
class Horizon:
    """One time the model was asked for."""

    years: int
    at_risk: int
    events: int
    """By this time."""
    baseline_cumulative_hazard: float | None
    """At the centre of every column; None where refused."""
    covariance: tuple[tuple[float, ...], ...]
    """Of (ln of the baseline cumulative hazard, every coefficient)."""
    refused: str
    competing_risk: float | None
    """Aalen-Johansen cumulative incidence of the event at this time; beside 1 - Kaplan-Meier in ``one_minus_km``."""
    one_minus_km: float | None


@dataclass(frozen=True, slots=True)
class Proportionality:
    """Test of proportional hazards of one term, by scaled Schoenfeld residuals against the rank of time."""

    feature: str
    p: float


@dataclass(frozen=True, slots=True)
class FinalModel:
    """The Cox model of the run."""

    ties: Literal["efron", "breslow"]
    n: int
    events: int
    terms: tuple[CoxTerm, ...]
    horizons: tuple[Horizon, ...]
    proportionality: tuple[Proportionality, ...]


@dataclass(frozen=True, slots=True)
class Estimated:
    """One number about performance, with everything without which it means nothing."""

    name: str
    """``c_index``, ``auc_5y``, ``brier_5y``, ``ibs``, ``calibration_slope_5y`` ..."""
    kind: Literal["apparent", "optimism_corrected", "out_of_fold", "held_out", "after_selection"]
    """``after_selection``: cross-validated after the scores were learned from all: optimism, as papers print it."""
    value: float | None
    interval: tuple[float, float] | None
    interval_method: str
    positive_class: str
    unit_of_analysis: str
    n: int
    events: int
    years: int | None
    """Horizon; None for a number over the whole follow-up, or about yes and no."""
    model: str = ""
    """Of several in one run: ``clinical_dlr.forest``; empty where there is one."""
    threshold: float | None = None
    """Of sensitivity and its like: positive means at or above it."""
    threshold_source: str = ""


@dataclass(frozen=True, slots=True)
class SelectionGap:
    """The same pipeline cross-validated twice: candidates chosen on all patients, and inside every fold."""

    metric: str
    outside: float
    """Selection saw the patients it is judged on: optimism, not performance."""
    inside: float
    folds: int
    repeats: int

    @property
    def gap(self) -> float:
        """Return what selecting outside pretends."""
        return self.outside - self.inside


@dataclass(frozen=True, slots=True)
class Warned:
    """Something a reader must know."""

    code: str
    """For example ``events_per_candidate``, ``horizon_refused``, ``validation_small``."""
    sentence: str


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The final model with one variable replaced by another: luminal status for endocrine therapy (P2-2)."""

    replaced: str
    by: str
    terms: tuple[tuple[str, float], ...]
    """(feature, log hazard ratio)."""
    c_index: float


@dataclass(frozen=True, slots=True)
class Provenance:
    """With what the run was made."""

    recipe: str
    """The predictor trained, for example ``lung_metastasis``."""
    preset: Preset
    seed: int
    bootstraps: int
    folds: int
    inputs: tuple[tuple[str, str], ...]
    """(file name, sha256), manifest first."""
    inputs_digest: str
    """sha256 over all of them, the preset, the seed and the sizes: a run is resumed only where it is the same."""
    software: tuple[tuple[str, str], ...]
    """(package, version)."""
    steps: tuple[str, ...]
    """What was done with the values, in order, in words: transforms, limits, imputation, scaling."""


@dataclass(frozen=True, slots=True)
class RunResults:
    """One finished run."""

    schema_version: Literal[1]
    provenance: Provenance
    cohort: CohortFacts
    table1: tuple[Table1Row, ...]
    selection: Selection
    model: FinalModel
    performance: tuple[Estimated, ...]
    gap: SelectionGap | None
    roc: tuple[RocCurve, ...]
    calibration: tuple[CalibrationCurve, ...]
    decision: tuple[DecisionCurve, ...]
    survival: tuple[SurvivalByGroup, ...]
    cuts: tuple[MaximalCut, ...]
    incidence: CumulativeIncidence | None
    sensitivities: tuple[Sensitivity, ...]
    warnings: tuple[Warned, ...]
    effects: tuple[EffectLine, ...] = ()
    """Every candidate alone, the chosen ones together; on the patients the final model was fitted on."""
    carried: Carried | None = None
