"""What the bundle ``ln_pcr-clinical-published`` says about itself; every number with its origin."""

from __future__ import annotations

from itertools import product
from typing import Any

from services.model_factory.handlers.external_results import DUKE_METRICS
from services.model_factory.handlers.published_ln_pcr import MODELLED_EVENT, ODDS_RATIOS, PublishedModel
from shared.predictors.ln_pcr.clinical import FEATURES, LEVELS, NAME, VARIANT, features

BUNDLE_ID = "ln_pcr-clinical-published"
VERSION = "1.0.0"
POSITIVE_CLASS = "axillary_pcr"
GRAPH_FILE = "model.onnx"
GOLDEN_TOLERANCE = 1e-12

INTERCEPT_SOURCE = (
    "The intercept is not published. It is solved so that the mean of P(non-pCR) over the product of table 2's "
    "marginals of ER, HER2 and T (both columns added, N = 447) is 216/447."
)
INTENDED_USE = (
    "Demonstration. Published coefficients without local calibration: it shows how a result travels through the "
    "hospital's systems. Not for decisions about a patient."
)
TRAINING_DATA = (
    "None of ours. Coefficients are those printed by Fan Y, Jin Y, et al., Development and Validation of Machine "
    "Learning Models in Predicting Prognosis of Breast Cancer Patients with Lymph Nodes Metastasis Following "
    "Neoadjuvant Chemotherapy, Breast Cancer: Targets and Therapy 2025 (called paper 000 here): one centre, 447 "
    "patients of 2019 to 2023, of whom 231 had axillary pCR. Patients were clinically node-positive by pathology "
    "or imaging, imaged before any treatment, and treated with neoadjuvant chemotherapy."
)
CALIBRATION = (
    "Not calibrated to any site. The intercept is a construction (see there), and the coefficients come from a "
    "regression that also held NAC cycles, histology, PR, Ki67 and M. On the external cohort the model promises more "
    "axillary pCR than happened (46 % against 34 %), and its Brier score is no better than that of always saying the "
    "prevalence."
)
THRESHOLD_SOURCE = (
    "P(axillary pCR) of one half: a convention of this bundle; the paper publishes no cut, and none is validated"
)

MEANINGS = {
    "er": "Oestrogen receptor of the primary tumour before therapy; positive from 1 % of nuclei.",
    "her2": (
        "HER2 of the primary tumour before therapy: 0 (IHC 0), low (IHC 1+, or 2+ not amplified), 3 (IHC 3+, or 2+ "
        "amplified); negative means 0 and low were not told apart and is scored as 0, with a flag."
    ),
    "t": "Clinical T category before therapy.",
}


def draft(model: PublishedModel) -> dict[str, Any]:
    """Return the manifest without the hashes of its files."""
    return {
        "schema_version": 1,
        "id": BUNDLE_ID,
        "version": VERSION,
        "predictor": NAME,
        "variant": VARIANT,
        "intended_use": "demonstration",
        "intended_use_statement": INTENDED_USE,
        "inputs": [{"name": n, "meaning": MEANINGS[n], "levels": levels} for n, levels in LEVELS.items()],
        "features": FEATURES,
        "graph": GRAPH_FILE,
        "precision": "float64",
        "output": _output(),
        "logistic": _logistic(model),
        "training_data": TRAINING_DATA,
        "calibration": CALIBRATION,
        "metrics": DUKE_METRICS,
        "thresholds": [
            {
                "value": 0.5,
                "level_above": "axillary_pcr_likelier",
                "level_below": "residual_disease_likelier",
                "source": THRESHOLD_SOURCE,
            }
        ],
        "golden": [_golden(model, dict(zip(LEVELS, row, strict=True))) for row in product(*LEVELS.values())],
    }


def _output() -> dict[str, Any]:
    display = "Pathologic complete response of the axillary lymph nodes (no residual nodal disease)"
    return {
        "classes": [{"index": 0, "code": POSITIVE_CLASS, "display": display}],
        "modelled_event": MODELLED_EVENT,
        "positive_class": POSITIVE_CLASS,
        "complement_class": MODELLED_EVENT,
        "complement_display": "Residual nodal disease",
        "favourable": True,
    }


def _logistic(model: PublishedModel) -> dict[str, Any]:
    return {
        "intercept": model.intercept,
        "intercept_source": INTERCEPT_SOURCE,
        "coefficients": [
            {
                "feature": name,
                "odds_ratio": ODDS_RATIOS[name],
                "log_odds_ratio": model.coefficients[name],
                "source": "paper 000, table 3, multivariable odds ratio of residual nodal disease (non-pCR)",
            }
            for name in FEATURES
        ],
    }


def _golden(model: PublishedModel, levels: dict[str, str]) -> dict[str, Any]:
    return {
        "inputs": levels,
        "features": features(levels),
        "probability": model.pcr(levels),
        "tolerance": GOLDEN_TOLERANCE,
    }
