"""What every finished run states, whatever was learned and from what.

Every number about performance is an :class:`Estimated` with the class it is about, the patients it was measured on and
how its interval was made. Times are years. Where something could not be computed there is None and a warning says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Preset = Literal["paper", "corrected"]


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
class Warned:
    """Something a reader must know."""

    code: str
    """For example ``events_per_candidate``, ``horizon_refused``, ``validation_small``."""
    sentence: str


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
