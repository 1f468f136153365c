"""What a bundle of a trained lung metastasis model says about itself, from the results of its run alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from services.model_factory.handlers.training.modelled import CoxTerm, Horizon
from services.model_factory.handlers.training.results import RunResults
from services.model_factory.handlers.training.stated import Estimated
from services.model_factory.handlers.training.targets import TARGETS
from shared.domain.errors import InvalidInputError

GRAPH_FILE = "model.onnx"
GOLDEN_TOLERANCE = 1e-12
VARIANT = "nomogram"

_MEANINGS: Mapping[str, str] = {
    "endocrine_therapy_received": (
        "Whether the patient received endocrine therapy for this tumour before the sample was taken. The paper's table "
        "shows luminal status under this name; which of the two entered its model is not known."
    ),
    "hscrp": "C-reactive protein in serum or plasma, measured by a high-sensitivity method.",
    "il6": "Interleukin 6 in serum or plasma.",
    "ifn_alpha": "Interferon alpha in serum or plasma, as mass per volume; never converted from units of activity.",
    "tnf_alpha": "Tumour necrosis factor alpha in serum or plasma.",
}
_LEVELS: Mapping[str, tuple[str, ...]] = {"endocrine_therapy_received": ("yes", "no")}
_USE: Mapping[str, str] = {
    "demonstration": (
        "Demonstration. Trained on simulated patients: it shows how laboratory values become a result in the "
        "hospital's systems. Not for decisions about a patient."
    ),
    "research": (
        "Research. Trained on one cohort and not validated elsewhere: for studies under their own approval. Not for "
        "decisions about a patient."
    ),
}


@dataclass(frozen=True, slots=True)
class Label:
    """How the bundle is called."""

    bundle_id: str
    version: str = "1.0.0"


def draft(results: RunResults, label: Label) -> dict[str, Any]:
    """Return the manifest without the hashes of its files.

    Raises:
        InvalidInputError: If the model has other variables than the predictor can be asked with, or gives no horizon.
    """
    terms = _ordered(results)
    given = [one for one in results.model.horizons if not one.refused]
    if not given:
        raise InvalidInputError("run", "its model gives no probability at any horizon: there is nothing to serve")
    use = "demonstration" if results.cohort.simulated else "research"
    return {
        "schema_version": 1,
        "id": label.bundle_id,
        "version": label.version,
        "predictor": results.provenance.recipe,
        "variant": VARIANT,
        "intended_use": use,
        "intended_use_statement": _USE[use],
        "inputs": [_input(term) for term in terms],
        "features": [term.feature for term in terms],
        "graph": GRAPH_FILE,
        "precision": "float64",
        "output": _output(results),
        "survival": {
            "ties": results.model.ties,
            "terms": [_term(term) for term in terms],
            "horizons": [_horizon(one, results.model.terms, terms) for one in results.model.horizons],
        },
        "training_data": _training_data(results),
        "calibration": _calibration(results),
        "metrics": [_metric(one, results) for one in results.performance if _printed(one)],
        "golden": [_golden(terms, given, quantile) for quantile in product((0.1, 0.9), (True, False))],
    }


def _ordered(results: RunResults) -> tuple[CoxTerm, ...]:
    """Return the terms in the order of the predictor's inputs."""
    wanted = TARGETS[results.provenance.recipe].inputs
    found = {term.candidate for term in results.model.terms}
    if not wanted:
        raise InvalidInputError("run", f"no bundle is made of a {results.provenance.recipe} model: nothing serves it")
    if found != set(wanted):
        more, less = sorted(found - set(wanted)), sorted(set(wanted) - found)
        parts = [f"it has {', '.join(more)}"] * bool(more) + [f"it lacks {', '.join(less)}"] * bool(less)
        raise InvalidInputError(
            "run",
            f"the predictor {results.provenance.recipe} is asked with {', '.join(wanted)} and the model is not made of "
            f"them: {'; '.join(parts)}. Name them beforehand with --variables to train that model",
        )
    return tuple(sorted(results.model.terms, key=lambda term: wanted.index(term.candidate)))


def _input(term: CoxTerm) -> dict[str, Any]:
    head = {"name": term.candidate, "meaning": _MEANINGS[term.candidate]}
    if term.transform == "indicator":
        return {**head, "levels": _LEVELS[term.candidate]}
    limits = {"unit": term.unit, "low": term.low, "high": term.high}
    if term.detection_limit is not None:
        limits["detection_limit"] = term.detection_limit
    return {**head, "range": limits}


def _output(results: RunResults) -> dict[str, Any]:
    event = results.cohort.event
    display = "Metastasis of breast cancer to the lung"
    return {
        "classes": [{"index": 0, "code": event, "display": display}],
        "modelled_event": event,
        "positive_class": event,
        "complement_class": f"no_{event}",
        "complement_display": f"No {display[0].lower()}{display[1:]}",
        "favourable": False,
    }


def _term(term: CoxTerm) -> dict[str, Any]:
    return {
        "feature": term.feature, "input": term.candidate, "transform": term.transform, "level": term.level,
        "log_hazard_ratio": term.log_hazard_ratio, "centre": term.centre,
    }  # fmt: skip


def _horizon(one: Horizon, fitted: tuple[CoxTerm, ...], terms: tuple[CoxTerm, ...]) -> dict[str, Any]:
    """Return the horizon with its covariance in the order of ``terms``."""
    places = [0, *(1 + fitted.index(term) for term in terms)]
    return {
        "years": one.years,
        "baseline_cumulative_hazard": one.baseline_cumulative_hazard,
        "covariance": [[one.covariance[i][j] for j in places] for i in places] if one.covariance else [],
        "at_risk": one.at_risk,
        "refused": one.refused,
    }


def _training_data(results: RunResults) -> str:
    cohort, made = results.cohort, results.provenance
    how = "named beforehand" if results.selection.prespecified else f"chosen by all of {_methods(results)}"
    return (
        f"{cohort.description} {results.model.n} to learn from, {results.model.events} with {cohort.event} "
        f"({cohort.event_display}), {cohort.candidates} candidates; the variables were {how}. Preset {made.preset}, "
        f"seed {made.seed}. sha256 over all inputs of the run: {made.inputs_digest} (provenance.json names each)."
    )


def _methods(results: RunResults) -> str:
    return ", ".join(one.method.replace("_", " ") for one in results.selection.methods)


def _calibration(results: RunResults) -> str:
    found = {(one.kind, one.name): one.value for one in results.performance}
    slope = found.get(("optimism_corrected", "calibration_slope"))
    said = f"Calibration slope after correction for optimism: {slope:.3f}. " if slope is not None else ""
    return f"{said}Not calibrated to any site; `oncorelay recalibrate` does that with a site's own patients."


_KINDS = ("out_of_fold", "optimism_corrected", "held_out")


def _printed(one: Estimated) -> bool:
    """Apparent numbers are in the report; a bundle states what may be expected of new patients."""
    named = one.name == "c_index" or one.name.split("_")[0] in ("auc", "brier", "calibration")
    return named and one.kind in _KINDS and one.value is not None


def _metric(one: Estimated, results: RunResults) -> dict[str, Any]:
    source = f"own run, {one.kind.replace('_', ' ')}, unit {one.unit_of_analysis}"
    return metric_stated(one, f"{one.name}.{one.kind}", results.cohort.name, source)


def metric_stated(one: Estimated, name: str, cohort: str, source: str) -> dict[str, Any]:
    """Return a number of performance as a manifest states it."""
    return {
        "name": name,
        "value": one.value,
        "interval": one.interval,
        "interval_method": one.interval_method,
        "positive_class": one.positive_class,
        "n": one.n,
        "positives": one.events,
        "cohort": cohort,
        "source": source,
    }


def _golden(terms: tuple[CoxTerm, ...], given: list[Horizon], pair: tuple[float, bool]) -> dict[str, Any]:
    """Return one golden input: every value at a share of its range, the level present or not."""
    share, present = pair
    inputs, features = {}, {}
    for term in terms:
        if term.transform == "indicator":
            others = [level for level in _LEVELS[term.candidate] if level != term.level]
            inputs[term.candidate] = term.level if present else others[0]
            features[term.feature] = float(present)
        else:
            text = f"{_within(term, share):.4g}"
            inputs[term.candidate] = text
            features[term.feature] = math.log1p(float(text)) if term.transform == "log1p" else float(text)
    linear = math.fsum(term.log_hazard_ratio * (features[term.feature] - term.centre) for term in terms)
    hazards = (one.baseline_cumulative_hazard or 0.0 for one in given)
    outputs = [-math.expm1(-hazard * math.exp(linear)) for hazard in hazards]
    return {
        "inputs": inputs,
        "features": features,
        "probability": outputs[0],
        "outputs": outputs,
        "tolerance": GOLDEN_TOLERANCE,
    }


def _within(term: CoxTerm, share: float) -> float:
    """Return a value inside the range and above the detection limit, by the logarithm of the range."""
    low = math.log(max(term.low, 2.0 * (term.detection_limit or 0.0), 1e-3))
    return math.exp(low + share * (math.log(term.high) - low))
