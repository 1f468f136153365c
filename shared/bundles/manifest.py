"""``bundle.json``, typed: every key a bundle may have, and nothing else."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.bundles.imaging import Forest, Imaging
from shared.bundles.slides import SlidesPart
from shared.bundles.survival import refuse_inconsistent
from shared.domain.prediction import IntendedUse, Outcome

MANIFEST_NAME = "bundle.json"
SIGNATURE_NAME = "bundle.sig"
"""64 raw bytes: Ed25519 (RFC 8032) over the bytes of ``bundle.json``."""

Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")]
Sentence = Annotated[str, Field(min_length=1, max_length=4000)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Unit = Annotated[float, Field(ge=0.0, le=1.0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Range(_Part):
    """What a measured input may be, and what of it the model has seen."""

    unit: Annotated[str, Field(min_length=1, max_length=32)]
    """UCUM."""
    low: float
    high: float
    """Smallest and largest value among the training patients, in ``unit``."""
    detection_limit: float | None = None
    """Values below were counted as half of it in training; None where none was below."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low < self.high:
            raise ValueError("low is not below high")
        if self.detection_limit is not None and not 0 < self.detection_limit < self.high:
            # Above the largest value seen, it would let every value in as half of it.
            raise ValueError("the limit of detection is not between zero and the largest value seen")
        return self


class InputContract(_Part):
    """One input a clinician would recognise: with the levels it may have, or measured within a range."""

    name: Name
    meaning: Sentence
    levels: tuple[Name, ...] = ()
    range: Range | None = None

    @model_validator(mode="after")
    def _either(self) -> Self:
        if bool(self.levels) == (self.range is not None):
            raise ValueError("an input has either levels or a range")
        return self


class OutputClass(_Part):
    """What one output index is the probability of."""

    index: int = Field(ge=0)
    code: Name
    display: Sentence


class OutputContract(_Part):
    """What the graph returns: the event its source modelled and the event it reports are both stated."""

    classes: tuple[OutputClass, ...] = Field(min_length=1)
    modelled_event: Name
    """The event the published coefficients model."""
    positive_class: Name
    """The event the graph returns the probability of; code of one of ``classes``."""
    complement_class: Name
    complement_display: Sentence
    favourable: bool
    """True where the event is good news: it then never sets FHIR ``qualitativeRisk``."""


class Coefficient(_Part):
    """One coefficient of the modelled event, as printed and as used."""

    feature: Name
    odds_ratio: float = Field(gt=0)
    log_odds_ratio: float
    source: Sentence


class Logistic(_Part):
    """Intercept and coefficients of the modelled event (not of its complement)."""

    intercept: float
    intercept_source: Sentence
    coefficients: tuple[Coefficient, ...]
    covariance: tuple[tuple[float, ...], ...] = ()
    """Of (intercept, every coefficient), for the interval of one probability on the scale of log odds. Empty: none."""

    @model_validator(mode="after")
    def _square(self) -> Self:
        n = len(self.coefficients) + 1
        if self.covariance and (len(self.covariance) != n or any(len(row) != n for row in self.covariance)):
            raise ValueError("the covariance has one row and column per coefficient and one for the intercept")
        return self


class Term(_Part):
    """One column of a proportional hazards model."""

    feature: Name
    input: Name
    """The input the column is made from."""
    transform: Literal["identity", "log1p", "indicator"]
    """How: the value, ln(1 + value), or 1 where the input has the level ``level``."""
    level: str = ""
    log_hazard_ratio: float
    centre: float
    """Mean of the column among the training patients; subtracted before the coefficient applies."""


class SurvivalHorizon(_Part):
    """One time the model answers for."""

    years: int = Field(ge=1, le=30)
    baseline_cumulative_hazard: float | None = Field(default=None, ge=0)
    """At the centre of every column; None where this horizon is refused."""
    covariance: tuple[tuple[float, ...], ...] = ()
    """Of (ln of the baseline cumulative hazard, every coefficient); for the interval on the complementary log-log
    scale. Empty: no interval."""
    at_risk: int = Field(ge=0)
    """Training patients still followed at this time."""
    refused: str = Field(default="", max_length=500)
    """Why the model gives no probability here; empty where it does."""

    @model_validator(mode="after")
    def _given_or_refused(self) -> Self:
        if (self.baseline_cumulative_hazard is None) != bool(self.refused):
            raise ValueError("a horizon has either a baseline cumulative hazard or a reason for having none")
        return self


class Survival(_Part):
    """A Cox model as printed and as used: risk(t) = 1 - exp(-H0(t) exp(sum of ratio * (column - centre)))."""

    ties: Literal["efron", "breslow"]
    terms: tuple[Term, ...] = Field(min_length=1)
    horizons: tuple[SurvivalHorizon, ...] = Field(min_length=1)
    """Nearest first; those that are given have the graph's output indices 0, 1, ... in order."""


class Metric(_Part):
    """One number about performance, with everything without which it means nothing."""

    name: Name
    value: float
    interval: tuple[float, float] | None = None
    """95 % interval."""
    interval_method: str = Field(default="", max_length=200)
    positive_class: Name
    n: int = Field(gt=0)
    positives: int = Field(ge=0)
    cohort: Sentence
    source: Sentence

    @model_validator(mode="after")
    def _positives_within_n(self) -> Self:
        if self.positives > self.n:
            raise ValueError("more positives than patients")
        return self


class Threshold(_Part):
    """One cut on the probability of the positive class; at or above it the answer reads ``level_above``."""

    value: Unit
    level_above: Name
    level_below: Name
    source: Sentence


class Golden(_Part):
    """One input with the output the runtime at hand must reproduce."""

    inputs: dict[Name, str]
    features: dict[Name, float]
    probability: Unit
    """Of the positive class: for a Cox model that of the first horizon given."""
    outputs: tuple[Unit, ...] = ()
    """Every output of the graph in the order of its index; empty where ``probability`` is the only one."""
    tolerance: float = Field(gt=0, le=1e-6)
    """Largest absolute difference, of each output."""


class Manifest(_Part):
    """Everything a bundle says about itself."""

    schema_version: Literal[1]
    id: Name
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    predictor: Name
    variant: Name
    intended_use: IntendedUse
    intended_use_statement: Sentence
    inputs: tuple[InputContract, ...] = Field(min_length=1)
    features: tuple[Name, ...] = Field(min_length=1, max_length=4096)
    """Columns of the graph's input, in order."""
    graph: Name
    """File name of the ONNX graph; input ``features`` [rows, columns], output ``probability`` [rows, outputs]: one
    output, or one per horizon given."""
    precision: Literal["float64", "float32"]
    output: OutputContract
    logistic: Logistic | None = None
    survival: Survival | None = None
    imaging: Imaging | None = None
    """What the variant measures in images; None where it needs none."""
    forest: Forest | None = None
    slides: SlidesPart | None = None
    """How slides are cut and judged; None where the variant looks at none. The graph then turns ``score`` into the
    probability of the positive class."""
    training_data: Sentence
    calibration: Sentence
    metrics: tuple[Metric, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    golden: tuple[Golden, ...] = Field(min_length=1)
    files: dict[Name, Sha256]
    """sha256 of every file of the bundle except this one and its signature."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.graph not in self.files:
            raise ValueError(f"files does not name the graph {self.graph}")
        if self.output.positive_class not in {one.code for one in self.output.classes}:
            raise ValueError("output.positive_class is none of output.classes")
        if any(set(one.features) != set(self.features) for one in self.golden):
            raise ValueError("a golden input does not name exactly the features")
        if {MANIFEST_NAME, SIGNATURE_NAME} & set(self.files):
            raise ValueError("files names the manifest or its signature")
        if any(one.outputs and one.outputs[self.positive_index] != one.probability for one in self.golden):
            raise ValueError("a golden input states two probabilities of the positive class")
        parts = (self.imaging, self.slides)
        named = (
            *(name for part in parts if part for name in part.files),
            *((self.forest.graph,) if self.forest else ()),
        )
        missing = sorted(set(named) - set(self.files))
        if missing:
            raise ValueError(f"files does not name {missing[0]}")
        if self.forest and len(self.forest.golden) != len(self.golden):
            raise ValueError("the forest states another number of golden probabilities than there are inputs")
        if self.survival:
            refuse_inconsistent(self, self.survival)
        return self

    @property
    def positive_index(self) -> int:
        """Return the output index of the positive class."""
        return next(one.index for one in self.output.classes if one.code == self.output.positive_class)

    @property
    def outcome(self) -> Outcome:
        """Return what the probability is the probability of."""
        output = self.output
        display = next(one.display for one in output.classes if one.code == output.positive_class)
        return Outcome(
            output.positive_class, display, output.complement_class, output.complement_display, output.favourable
        )

    def level(self, probability: float) -> tuple[str, ...]:
        """Return what every threshold says about ``probability``."""
        return tuple(one.level_above if probability >= one.value else one.level_below for one in self.thresholds)
