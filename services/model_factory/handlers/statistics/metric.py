"""A number about a model that cannot exist without what it is about.

A sensitivity without its positive class, or a net benefit without its threshold, is not a small gap in a report: two of
the published tables this project started from give them for the other class.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from services.model_factory.handlers.statistics.estimates import Estimate

Unit = Literal["patient", "image", "lesion", "slide", "patch"]

AT_A_THRESHOLD = frozenset(
    {"sensitivity", "specificity", "ppv", "npv", "accuracy", "balanced_accuracy", "f1", "net_benefit"}
)
AT_A_HORIZON = frozenset({"dynamic_auc", "brier_at_horizon", "horizon_risk", "ici", "e50", "e90"})
WITHOUT = frozenset(
    {
        "auc", "brier", "c_harrell", "c_uno", "integrated_brier", "calibration_slope", "calibration_intercept",
        "calibration_in_the_large", "observed_to_expected", "scaled_brier",
    }
)  # fmt: skip
"""Measures of the whole score; those of a horizon carry one all the same."""
_SHARES = frozenset(
    {"sensitivity", "specificity", "ppv", "npv", "accuracy", "f1", "auc", "dynamic_auc", "c_harrell", "c_uno"}
)


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a score becomes a call; positive means at or above it."""

    value: float
    source: str
    """Where the cut comes from: a paper's table, Youden's index on which out-of-fold predictions, a guideline."""

    def __post_init__(self) -> None:
        if not self.source.strip() or not math.isfinite(self.value):
            raise ValueError("a threshold is a number with a source")


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured number with everything needed to read it."""

    name: str
    """One of AT_A_THRESHOLD, AT_A_HORIZON, WITHOUT."""
    positive_class: str
    unit: Unit
    """What was counted: an image is not a patient."""
    n: int
    positives: int
    """Units of the positive class; under censoring, events seen."""
    estimate: Estimate
    cut: Cut | None = None
    horizon_years: float | None = None

    def __post_init__(self) -> None:
        if self.name not in AT_A_THRESHOLD | AT_A_HORIZON | WITHOUT:
            raise ValueError(f"no such metric: {self.name}")
        if not self.positive_class.strip():
            raise ValueError(f"{self.name} of which class?")
        if not 0 <= self.positives <= self.n or self.n == 0:
            raise ValueError(f"{self.name}: {self.positives} positives of {self.n}")
        if (self.cut is None) == (self.name in AT_A_THRESHOLD):
            raise ValueError(f"{self.name} {'needs a threshold' if self.cut is None else 'has no threshold'}")
        if self.horizon_years is None and self.name in AT_A_HORIZON:
            raise ValueError(f"{self.name} needs a horizon")
        _check_estimate(self.name, self.estimate)

    def sentence(self) -> str:
        """Return the metric as a person reads it, nothing left out."""
        low, high = self.estimate.interval
        at = "" if self.cut is None else f", threshold {self.cut.value:g} ({self.cut.source})"
        by = "" if self.horizon_years is None else f" at {self.horizon_years:g} years"
        return (
            f"{self.name}{by} for {self.positive_class}: {self.estimate.value:.3f} ({low:.3f} to {high:.3f}; "
            f"{self.estimate.method}), {self.positives} of {self.n} by {self.unit}{at}"
        )


def _check_estimate(name: str, estimate: Estimate) -> None:
    low, high = estimate.interval
    if not estimate.method.strip():
        raise ValueError(f"{name}: how was the interval made?")
    if not math.isfinite(estimate.value) or low > high:
        raise ValueError(f"{name}: {estimate.value} ({low} to {high})")
    if name in _SHARES and not 0 <= estimate.value <= 1:
        raise ValueError(f"{name} is a share, not {estimate.value}")
