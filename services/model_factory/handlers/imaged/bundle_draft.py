"""What a bundle of one family says about itself, from the results of its run alone."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from services.model_factory.handlers.imaged.families import DL_PROB, RAD_SCORE
from services.model_factory.handlers.imaged.judging import CUT_SOURCE
from services.model_factory.handlers.imaged.order import EVENT, TARGET
from services.model_factory.handlers.imaged.results import (
    FamilyModel,
    GoldenRow,
    ImagedResults,
    NetworkFacts,
    RadScoreFacts,
    SeenFacts,
)
from services.model_factory.handlers.imaged.run import GOLDEN_CROP_FILE, NETWORK_FILE
from services.model_factory.handlers.ln_pcr_manifest import MEANINGS
from services.model_factory.handlers.training.bundle_draft import Label, metric_stated
from services.model_factory.handlers.training.stated import Estimated
from shared.predictors.ln_pcr.clinical import LEVELS

GRAPH_FILE, FOREST_FILE = "model.onnx", "forest.onnx"
COMPLEMENT = "residual_nodal_disease"
GOLDEN_TOLERANCE, FOREST_TOLERANCE = 1e-9, 1e-5
_USE: Mapping[str, str] = {
    "demonstration": (
        "Demonstration. Trained on simulated patients: it shows how images and receptors become a result in the "
        "hospital's systems. Not for decisions about a patient."
    ),
    "research": (
        "Research. Trained on one cohort and not validated elsewhere: for studies under their own approval. Not for "
        "decisions about a patient."
    ),
}
_KINDS = ("out_of_fold", "held_out")
_STATED = ("auc", "sensitivity", "specificity", "brier", "calibration_slope", "calibration_intercept")


def draft(results: ImagedResults, model: FamilyModel, label: Label) -> dict[str, Any]:
    """Return the manifest of one family's bundle without the hashes of its files."""
    use = "demonstration" if results.cohort.simulated else "research"
    found: dict[str, Any] = {
        "schema_version": 1,
        "id": f"{TARGET}-{model.family}-{label.bundle_id}",
        "version": label.version,
        "predictor": TARGET,
        "variant": model.family,
        "intended_use": use,
        "intended_use_statement": _USE[use],
        "inputs": [{"name": name, "meaning": MEANINGS[name], "levels": levels} for name, levels in LEVELS.items()],
        "features": model.columns,
        "graph": GRAPH_FILE,
        "precision": "float64",
        "output": _output(),
        "logistic": _logistic(results, model),
        "forest": _forest(model),
        "training_data": _training_data(results, model),
        "calibration": _calibration(results, model),
        "metrics": [_metric(one, results) for one in _own(results, model) if _is_stated(one)],
        "thresholds": [_threshold(results, model)],
        "golden": [_golden(model, one) for one in model.golden],
    }
    imaging = _imaging(results, model)
    return {**found, "imaging": imaging} if imaging else found


def files_of(model: FamilyModel) -> dict[str, str]:
    """Return the run's graphs the bundle holds: file of the bundle -> file among the run's graphs."""
    found = {FOREST_FILE: f"{model.family}-{FOREST_FILE}"}
    if DL_PROB in model.columns:
        found |= {NETWORK_FILE: NETWORK_FILE, GOLDEN_CROP_FILE: GOLDEN_CROP_FILE}
    return found


def _output() -> dict[str, Any]:
    display = "Pathologic complete response of the axillary lymph nodes (no residual nodal disease)"
    return {
        "classes": [{"index": 0, "code": EVENT, "display": display}],
        "modelled_event": EVENT,
        "positive_class": EVENT,
        "complement_class": COMPLEMENT,
        "complement_display": "Residual nodal disease",
        "favourable": True,
    }


def _logistic(results: ImagedResults, model: FamilyModel) -> dict[str, Any]:
    source = f"own run {results.provenance.inputs_digest[:16]}, log odds of {EVENT}"
    return {
        "intercept": model.intercept,
        "intercept_source": source,
        "coefficients": [
            {"feature": name, "odds_ratio": _ratio(value), "log_odds_ratio": value, "source": source}
            for name, value in zip(model.columns, model.coefficients, strict=True)
        ],
        "covariance": model.covariance,
    }


def _ratio(log_odds_ratio: float) -> float:
    return math.exp(log_odds_ratio)


def _forest(model: FamilyModel) -> dict[str, Any]:
    return {
        "graph": FOREST_FILE,
        "precision": "float32",
        "trees": model.trees,
        "features_per_split": model.per_split,
        "golden": [one.forest for one in model.golden],
        "tolerance": FOREST_TOLERANCE,
    }


def _training_data(results: ImagedResults, model: FamilyModel) -> str:
    made = results.provenance
    stacked = "out-of-fold" if made.preset == "corrected" else "in-sample, as the paper has them"
    scores = f" Its image scores were {stacked} for the rows it was fitted on." if RAD_SCORE in model.columns else ""
    return (
        f"{results.cohort.description} {model.n} to learn from, {model.events} with {EVENT}.{scores} Preset "
        f"{made.preset}, seed {made.seed}. sha256 over all inputs of the run: {made.inputs_digest} (provenance.json "
        "names each)."
    )


def _own(results: ImagedResults, model: FamilyModel) -> list[Estimated]:
    return [one for one in results.arms[0].performance if one.model.split(".")[0] == model.family]


def _is_stated(one: Estimated) -> bool:
    """A bundle states what may be expected of new patients; what flatters stays in the report."""
    served = one.model.endswith((".logistic", ".forest"))
    return served and one.kind in _KINDS and one.name in _STATED and one.value is not None


def _calibration(results: ImagedResults, model: FamilyModel) -> str:
    found = [
        f"{one.kind.replace('_', ' ')} {one.value:.3f}"
        for one in _own(results, model)
        if one.name == "calibration_slope" and one.model.endswith(".logistic") and one.kind in _KINDS and one.value
    ]
    said = f"Calibration slope of the logistic model: {', '.join(found)}. " if found else ""
    return f"{said}Not calibrated to any site."


def _metric(one: Estimated, results: ImagedResults) -> dict[str, Any]:
    at = "" if one.threshold is None else f", threshold {one.threshold:.3f}"
    name = f"{one.name}.{one.kind}.{one.model.split('.')[1]}"
    source = f"own run, {results.arms[0].name}, {one.kind.replace('_', ' ')}, unit {one.unit_of_analysis}{at}"
    return metric_stated(one, name, results.cohort.name, source)


def _threshold(results: ImagedResults, model: FamilyModel) -> dict[str, Any]:
    return {
        "value": model.logistic_threshold,
        "level_above": "axillary_pcr_likelier",
        "level_below": "residual_disease_likelier",
        "source": f"logistic model; {CUT_SOURCE} ({results.cohort.name}). Of the forest: {model.forest_threshold:.4f}",
    }


def _golden(model: FamilyModel, one: GoldenRow) -> dict[str, Any]:
    features = dict(zip(model.columns, one.features, strict=True))
    scores = {name: repr(features[name]) for name in (RAD_SCORE, DL_PROB) if name in features}
    return {
        "inputs": {**dict(one.inputs), **scores},
        "features": features,
        "probability": one.logistic,
        "tolerance": GOLDEN_TOLERANCE,
    }


def _imaging(results: ImagedResults, model: FamilyModel) -> dict[str, Any]:
    if RAD_SCORE not in model.columns or results.seen is None or results.rad_score is None:
        return {}
    found: dict[str, Any] = {"rad_score": _rad_score(results.rad_score), "seen": _seen(results.seen)}
    if DL_PROB in model.columns and results.network is not None:
        found["network"] = _network(results.network)
    return found


def _rad_score(facts: RadScoreFacts) -> dict[str, Any]:
    return {
        "settings": dataclasses.asdict(facts.settings),
        "settings_sha256": facts.settings_sha256,
        "engine": facts.engine,
        "intercept": 0.0,
        "terms": [dataclasses.asdict(one) for one in facts.terms],
    }


def _network(facts: NetworkFacts) -> dict[str, Any]:
    return {
        "graph": NETWORK_FILE,
        "input_shape": facts.input_shape,
        "margin": facts.margin,
        "normalisation": "z-score",
        "heat_layer": facts.heat_layer,
        "heat_shape": facts.heat_shape,
        "architecture": facts.architecture,
        "parameters": facts.parameters,
        "precisions": [
            {"precision": precision, "graph": NETWORK_FILE, "largest_difference": difference, "n": n}
            for precision, difference, n in facts.precisions
        ],
        "golden": [
            {
                "crop": GOLDEN_CROP_FILE,
                "probability": facts.golden_probability,
                "heat_peak": facts.golden_peak,
                "tolerance": facts.tolerance,
            }
        ],
    }


def _seen(facts: SeenFacts) -> dict[str, Any]:
    return {
        "ranges": [{"name": name, "low": low, "high": high} for name, low, high in facts.ranges],
        "manufacturers": facts.manufacturers,
        "features": facts.features,
        "mean": facts.mean,
        "precision": facts.precision,
        "quantiles": facts.quantiles,
    }
