"""The curves of a run, as points: what a report draws. Times are years."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["apparent", "out_of_fold", "held_out", "after_selection"]


@dataclass(frozen=True, slots=True)
class RocCurve:
    """ROC of the out-of-fold or held-out risk: cumulative/dynamic at a horizon, or of yes and no (``years`` 0)."""

    kind: Kind
    years: int
    false_positive_rate: tuple[float, ...]
    true_positive_rate: tuple[float, ...]
    model: str = ""
    """Of several in one run; empty where there is one."""


@dataclass(frozen=True, slots=True)
class CalibrationPoint:
    """One group of patients by predicted risk."""

    predicted: float
    observed: float
    """1 - Kaplan-Meier at the horizon."""
    interval: tuple[float, float]
    n: int


@dataclass(frozen=True, slots=True)
class CalibrationCurve:
    """Predicted against observed risk at a horizon, or of yes and no (``years`` 0)."""

    kind: Kind
    years: int
    groups: tuple[CalibrationPoint, ...]
    smooth_predicted: tuple[float, ...]
    smooth_observed: tuple[float, ...]
    smooth_corrected: tuple[float, ...]
    """After subtraction of the bootstrap optimism; empty where not computed."""
    ici: float | None
    e50: float | None
    e90: float | None
    gnd_statistic: float | None
    gnd_p: float | None
    """Greenwood-Nam-D'Agostino, in place of Hosmer-Lemeshow."""
    model: str = ""
    """Of several in one run; empty where there is one."""


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """Net benefit of one strategy over the thresholds."""

    strategy: str
    """``model``, ``all``, ``none`` or the name of a single variable."""
    net_benefit: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    """95 % interval; empty where not computed."""


@dataclass(frozen=True, slots=True)
class DecisionCurve:
    """Decision curves at a horizon, or of yes and no (``years`` 0)."""

    kind: Kind
    years: int
    action: str
    """What would be done at or above the threshold."""
    thresholds: tuple[float, ...]
    lines: tuple[DecisionLine, ...]
    model: str = ""
    """What the line ``model`` is, of several in one run; empty where there is one."""


@dataclass(frozen=True, slots=True)
class SurvivalStep:
    """One Kaplan-Meier curve."""

    group: str
    n: int
    events: int
    years: tuple[float, ...]
    survival: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    at_risk: tuple[int, ...]
    """At 0, 1, 2, ... years."""


@dataclass(frozen=True, slots=True)
class SurvivalByGroup:
    """Kaplan-Meier curves of groups with the log-rank test."""

    variable: str
    grouping: str
    """How the groups were made, in words."""
    curves: tuple[SurvivalStep, ...]
    logrank_chi2: float
    logrank_p: float


@dataclass(frozen=True, slots=True)
class MaximalCut:
    """The best of many cuts of one measured variable, with the price of having looked for it."""

    variable: str
    unit: str
    cut: float
    statistic: float
    p: float
    """Corrected for the search."""
    interval: tuple[float, float] | None
    """Of the cut, 95 % percentile bootstrap."""
    cuts: tuple[float, ...]
    statistics: tuple[float, ...]
    """The standardised log-rank statistic at every admissible cut."""


@dataclass(frozen=True, slots=True)
class CumulativeIncidence:
    """Aalen-Johansen curves: the event and the competing event."""

    years: tuple[float, ...]
    event: tuple[float, ...]
    competing: tuple[float, ...]
    one_minus_km: tuple[float, ...]
