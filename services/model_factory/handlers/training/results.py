"""What a finished run says, typed: report, card and bundle are made from this alone, without computing again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.model_factory.handlers.cohort.facts import CohortFacts, Table1Row
from services.model_factory.handlers.training.curves import (
    CalibrationCurve,
    CumulativeIncidence,
    DecisionCurve,
    MaximalCut,
    RocCurve,
    SurvivalByGroup,
)
from services.model_factory.handlers.training.modelled import Carried, FinalModel, Sensitivity
from services.model_factory.handlers.training.selected import Selection, SelectionGap
from services.model_factory.handlers.training.stated import EffectLine, Estimated, Provenance, Warned


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
