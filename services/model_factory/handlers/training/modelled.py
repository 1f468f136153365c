"""The final Cox model of a run, as a run states it: terms, horizons, and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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
class Sensitivity:
    """The final model with one variable replaced by another: luminal status for endocrine therapy (P2-2)."""

    replaced: str
    by: str
    terms: tuple[tuple[str, float], ...]
    """(feature, log hazard ratio)."""
    c_index: float


@dataclass(frozen=True, slots=True)
class Carried:
    """How many candidates these patients carry, for a shrinkage of at least .9 (Riley et al., criterion 1)."""

    patients_needed: int
    candidates_carried: int
    sentence: str
