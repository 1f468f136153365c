"""What a her2 bundle says about itself, from the results of its run alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from services.model_factory.handlers.slides.judging import NON_PCR
from services.model_factory.handlers.slides.order import TL_PA
from services.model_factory.handlers.slides.platt import probability
from services.model_factory.handlers.slides.results import SlidesResults
from services.model_factory.handlers.slides.run import GOLDEN_FILE, GRAPH_FILE
from services.model_factory.handlers.training.bundle_draft import Label, metric_stated
from services.model_factory.handlers.training.stated import Estimated
from shared.predictors.her2.aggregation import LEAST_P
from shared.predictors.her2.scale import NAME, NEGATIVE_POSITIVE, POSITIVE_CLASS, SCORE, VARIANT

MODEL_FILE = "model.onnx"
COMPLEMENT = "her2_negative"
DISPLAY = "HER2-positive by IHC/ISH (3+ or 2+ with FISH amplification)"
HIGHEST = 1.0 - LEAST_P
"""Of the score: the mean of probabilities less .33."""
GOLDEN_TOLERANCE = 1e-9
GOLDEN_SCORES = (0.0, 0.05, 0.125, 0.175, 0.225, 0.4)
"""None at a cut: there the last bit of another machine would decide between two levels."""
_USE: Mapping[str, str] = {
    "demonstration": (
        "Demonstration. Trained on simulated slides: it shows how a slide becomes a result in the hospital's systems. "
        "Not for decisions about a patient; HER2 is determined by IHC and ISH."
    ),
    "research": (
        "Research. Trained on one cohort and not validated elsewhere: for studies under their own approval. Not for "
        "decisions about a patient; HER2 is determined by IHC and ISH."
    ),
}


def draft(results: SlidesResults, label: Label) -> dict[str, Any]:
    """Return the manifest without the hashes of its files."""
    use = "demonstration" if results.cohort.simulated else "research"
    platt = results.platt
    return {
        "schema_version": 1,
        "id": f"{NAME}-{VARIANT}-{label.bundle_id}",
        "version": label.version,
        "predictor": NAME,
        "variant": VARIANT,
        "intended_use": use,
        "intended_use_statement": _USE[use],
        "inputs": [{
            "name": SCORE, "meaning": "TL-PA score of the slide's patches (paper 003, Eq. 2-6)",
            "range": {"unit": "1", "low": 0.0, "high": HIGHEST},
        }],
        "features": [SCORE],
        "graph": MODEL_FILE,
        "precision": "float64",
        "output": {
            "classes": [{"index": 0, "code": POSITIVE_CLASS, "display": DISPLAY}],
            "modelled_event": POSITIVE_CLASS,
            "positive_class": POSITIVE_CLASS,
            "complement_class": COMPLEMENT,
            "complement_display": "HER2-negative by IHC/ISH",
            "favourable": False,
        },
        "logistic": {
            "intercept": platt.intercept, "intercept_source": _source(results),
            "coefficients": [{
                "feature": SCORE, "odds_ratio": math.exp(min(platt.slope, 700.0)), "log_odds_ratio": platt.slope,
                "source": _source(results),
            }],
            "covariance": platt.covariance,
        },
        "slides": _slides(results),
        "training_data": _training_data(results),
        "calibration": _calibration(results),
        "metrics": [_metric(one, results) for one in results.performance if _stated(one)],
        "thresholds": _thresholds(results),
        "golden": [_golden(results, score) for score in GOLDEN_SCORES],
    }  # fmt: skip


def files_of(results: SlidesResults) -> tuple[str, ...]:
    """Return the run's files the bundle holds, under the same names."""
    cheaper = [graph for _, graph, _, _ in results.network.precisions]
    golden = [GOLDEN_FILE.format(number + 1) for number in range(len(results.network.golden))]
    return tuple(dict.fromkeys((GRAPH_FILE, *cheaper, *golden)))


def _source(results: SlidesResults) -> str:
    return f"own run {results.provenance.inputs_digest[:16]}, Platt on scores of unseen slides"


def _slides(results: SlidesResults) -> dict[str, Any]:
    cut, network = results.cut, results.network
    cropping, area, rounding = results.reading
    return {
        "graph": GRAPH_FILE,
        "side_um": cut.side_um,
        "input_px": cut.input_px,
        "background_variance": cut.background_variance,
        "least_tissue": cut.least_tissue,
        "stain": {"haematoxylin": cut.haematoxylin, "eosin": cut.eosin, "strengths": cut.strengths},
        "mean": cut.mean,
        "deviation": cut.deviation,
        "heat_cells": network.heat_cells,
        "architecture": network.architecture,
        "parameters": network.parameters,
        "pretrained": network.pretrained,
        "coarsest_um": cut.coarsest_um,
        "scanners": [name for name, _ in results.slides.scanners if name != "not stated"],
        "cropping": cropping,
        "area_reading": area,
        "rounding": rounding,
        "precisions": [
            {"precision": name, "graph": graph, "largest_difference": difference, "n": n}
            for name, graph, difference, n in network.precisions
        ],
        "golden": [
            {"patch": GOLDEN_FILE.format(number + 1), "probabilities": one, "tolerance": network.tolerance}
            for number, one in enumerate(network.golden)
        ],
        "golden_slides": [{"name": one.name, "score": one.score, "level": one.level} for one in results.golden_slides],
    }  # fmt: skip


def _training_data(results: SlidesResults) -> str:
    made, facts, kept = results.provenance, results.slides, results.fits[-1]
    first = results.network.pretrained or "random weights: not pre-trained"
    return (
        f"{results.cohort.description} {kept.slides} slides to learn from, with {sum(kept.patches)} patches "
        f"({kept.patches[0]} non-tumour, {kept.patches[1]} negative, {kept.patches[2]} positive), of {facts.slides} "
        f"slides of {facts.patients} patients, {results.cohort.events} {POSITIVE_CLASS}. First weights: {first}. "
        f"Preset {made.preset}, seed {made.seed}. sha256 over all inputs of the run: {made.inputs_digest} "
        "(provenance.json names each)."
    )


def _calibration(results: SlidesResults) -> str:
    one = results.platt
    slope = next((p.value for p in results.performance if p.name == "calibration_slope"), None)
    said = f" Slope across folds {slope:.3f}." if slope is not None else ""
    note = f" {one.note}" if one.note else ""
    return (
        f"Platt's curve on the scores of {one.n} slides their network has not seen, {one.events} {POSITIVE_CLASS}."
        f"{said}{note} Not calibrated to any scanner: `oncorelay calibrate her2` measures the shift of one."
    )


def _stated(one: Estimated) -> bool:
    """A bundle states what TL-PA does; the comparators are in the report."""
    return one.model.split(".")[0] == TL_PA and one.value is not None


def _metric(one: Estimated, results: SlidesResults) -> dict[str, Any]:
    part = one.model.partition(".")[2]
    at = "" if one.threshold is None else f", score above {one.threshold:.2f}"
    arm = ", treated patients" if one.positive_class == NON_PCR else ""
    source = f"own run, {one.kind.replace('_', ' ')}, unit {one.unit_of_analysis}{at}{arm}"
    where = f".{part}" if part else ""
    return metric_stated(one, _name(f"{one.name}.{one.kind}{where}"), results.cohort.name, source)


def _name(text: str) -> str:
    return "".join(one if one.isalnum() or one in "._+-" else "_" for one in text)[:128]


def _thresholds(results: SlidesResults) -> list[dict[str, Any]]:
    """Return the paper's cut that matters, as a probability; none where the curve does not rise."""
    if results.platt.slope <= 0:
        return []
    return [
        {
            "value": _chance(results, NEGATIVE_POSITIVE),
            "level_above": "above_the_cut",
            "level_below": "below_the_cut",
            "source": f"paper 003, score {NEGATIVE_POSITIVE:.2f} between 2+/FISH- and 2+/FISH+, through this "
            "bundle's own curve; the levels themselves are read from the score",
        }
    ]


def _golden(results: SlidesResults, score: float) -> dict[str, Any]:
    return {
        "inputs": {SCORE: repr(score)}, "features": {SCORE: score}, "probability": _chance(results, score),
        "tolerance": GOLDEN_TOLERANCE,
    }  # fmt: skip


def _chance(results: SlidesResults, score: float) -> float:
    return float(probability(results.platt, np.array([score]))[0])
