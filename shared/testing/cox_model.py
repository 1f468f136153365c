"""A lung-metastasis model with invented numbers in the shape a bundle has: as a draft manifest, and as a model.

The ranges are wide enough for the values a test thinks of; the directions are the paper's (hsCRP and IL-6 raise the
risk; IFN-alpha, TNF-alpha and endocrine therapy lower it). Nothing here was fitted to anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.domain.prediction import BundleReference, IntendedUse, Outcome
from shared.predictors.hazards.columns import columns
from shared.predictors.hazards.model import Column, Hazards, Horizon, MeasuredRange, ModelInput
from shared.predictors.hazards.risks import risk
from shared.predictors.hazards.values import model_values

LUNG_METASTASIS = Outcome("lung_metastasis", "Lung metastasis", "no_lung_metastasis", "No lung metastasis", False)  # noqa: FBT003 - see Outcome

_REFERENCE = BundleReference("lung-test", "1.0.0", "0" * 64, IntendedUse.DEMONSTRATION)
_COVARIANCE = tuple(tuple(0.04 * (row == column) + 0.002 * (row != column) for column in range(6)) for row in range(6))
_TOO_FEW = "3 patients were still followed at 10 years; 10 are needed"


def lung_inputs() -> tuple[ModelInput, ...]:
    """Return the five inputs; only IL-6 has a limit of detection (1.5 pg/mL)."""
    return (
        ModelInput("endocrine_therapy_received", "Endocrine therapy was given.", levels=("yes", "no")),
        ModelInput("hscrp", "hsCRP, serum or plasma.", range=MeasuredRange("mg/L", 0.1, 60.0)),
        ModelInput("il6", "Interleukin 6.", range=MeasuredRange("pg/mL", 0.75, 120.0, 1.5)),
        ModelInput("ifn_alpha", "Interferon alpha.", range=MeasuredRange("pg/mL", 0.2, 12.0)),
        ModelInput("tnf_alpha", "Tumour necrosis factor alpha.", range=MeasuredRange("pg/mL", 0.2, 9.0)),
    )


def lung_hazards(*, ten_years: bool = True) -> Hazards:
    """Return the Cox model; ``ten_years`` False: the later horizon is refused."""
    terms = (
        Column("endocrine_therapy_received_yes", "endocrine_therapy_received", "indicator", "yes", -0.55, 0.44),
        Column("ln_hscrp", "hscrp", "log1p", "", 0.42, 1.9),
        Column("ln_il6", "il6", "log1p", "", 0.51, 2.1),
        Column("ln_ifn_alpha", "ifn_alpha", "log1p", "", -0.63, 1.1),
        Column("tnf_alpha", "tnf_alpha", "identity", "", -0.21, 1.6),
    )
    later = Horizon(10, 0.24, _COVARIANCE, 41, "") if ten_years else Horizon(10, None, (), 3, _TOO_FEW)
    return Hazards(terms, (Horizon(5, 0.11, _COVARIANCE, 180, ""), later))


@dataclass(frozen=True)
class PrintedModel:
    """``HazardsModel`` that computes from its own printed numbers, without a graph."""

    inputs: tuple[ModelInput, ...] = field(default_factory=lung_inputs)
    hazards: Hazards = field(default_factory=lung_hazards)
    outcome: Outcome = LUNG_METASTASIS
    reference: BundleReference = _REFERENCE
    runtime: str = "python"
    precision: str = "float64"

    def score(self, features: Mapping[str, float]) -> float:
        """Return the risk at the first horizon that is given."""
        return self.scores(features)[0]

    def scores(self, features: Mapping[str, float]) -> tuple[float, ...]:
        """Return the risk at every horizon that is given."""
        return tuple(risk(self.hazards, one, features) for one in self.hazards.given)


GOLDEN_ROWS: tuple[Mapping[str, str], ...] = (
    {"endocrine_therapy_received": "yes", "hscrp": "12", "il6": "9", "ifn_alpha": "2.1", "tnf_alpha": "1.2"},
    {"endocrine_therapy_received": "no", "hscrp": "58", "il6": "<1.5", "ifn_alpha": "0.4", "tnf_alpha": "8"},
)


def lung_draft(*, ten_years: bool = True) -> dict[str, Any]:
    """Return a manifest without the hashes of its files; its graph's file is ``model.onnx``."""
    model = PrintedModel(hazards=lung_hazards(ten_years=ten_years))
    return {
        "schema_version": 1,
        "id": "lung-test",
        "version": "1.0.0",
        "predictor": "lung_metastasis",
        "variant": "nomogram",
        "intended_use": "demonstration",
        "intended_use_statement": "Invented numbers for tests.",
        "inputs": [_contract(one) for one in model.inputs],
        "features": [one.feature for one in model.hazards.columns],
        "graph": "model.onnx",
        "precision": "float64",
        "output": {
            "classes": [{"index": 0, "code": "lung_metastasis", "display": "Lung metastasis"}],
            "modelled_event": "lung_metastasis",
            "positive_class": "lung_metastasis",
            "complement_class": "no_lung_metastasis",
            "complement_display": "No lung metastasis",
            "favourable": False,
        },
        "survival": {
            "ties": "efron",
            "terms": [_term(one) for one in model.hazards.columns],
            "horizons": [_horizon(one) for one in model.hazards.horizons],
        },
        "training_data": "None: the numbers are invented.",
        "calibration": "None.",
        "golden": [_golden(model, row) for row in GOLDEN_ROWS],
    }


def _contract(one: ModelInput) -> dict[str, Any]:
    if one.range is None:
        return {"name": one.name, "meaning": one.meaning, "levels": one.levels}
    seen = one.range
    limits = {"unit": seen.unit, "low": seen.low, "high": seen.high, "detection_limit": seen.detection_limit}
    return {"name": one.name, "meaning": one.meaning, "range": limits}


def _term(one: Column) -> dict[str, Any]:
    names = ("feature", "input", "transform", "level", "log_hazard_ratio", "centre")
    return {name: getattr(one, name) for name in names}


def _horizon(one: Horizon) -> dict[str, Any]:
    names = ("years", "baseline_cumulative_hazard", "covariance", "at_risk", "refused")
    return {name: getattr(one, name) for name in names}


def _golden(model: PrintedModel, row: Mapping[str, str]) -> dict[str, Any]:
    features = columns(model.hazards, model_values(model.inputs, row))
    risks = model.scores(features)
    return {
        "inputs": dict(row), "features": features, "probability": risks[0], "outputs": risks, "tolerance": 1e-12,
    }  # fmt: skip
