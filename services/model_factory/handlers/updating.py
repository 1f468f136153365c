"""A bundle updated with a site's own patients: the manifest of the new one, from the old one and the cohort."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.model_factory.handlers.cohort.typed import Flags, Numbers
from services.model_factory.handlers.scoring import Scored
from services.model_factory.handlers.statistics.recalibration import (
    Method,
    TooFewEventsError,
    update_logistic,
    update_survival,
)
from services.model_factory.handlers.survival.horizons import at_horizon, refusal
from shared.bundles.manifest import Golden, Logistic, Manifest, Survival
from shared.domain.errors import InvalidInputError

_USE = {
    "research": "Research. Updated with one site's patients and not validated since: for studies under their own "
    "approval. Not for decisions about a patient.",
    "demonstration": "Demonstration. Updated with simulated patients. Not for decisions about a patient.",
}


@dataclass(frozen=True, slots=True)
class Update:
    """What the new bundle is called, and what it was made with."""

    bundle_id: str
    version: str
    method: Method
    parent: str
    """The old bundle: id, version, digest."""
    cohort: str
    """Name and description."""
    simulated: bool

    @property
    def words(self) -> str:
        """Return the method as people write it."""
        return self.method.replace("_", " ")


def updated_survival(manifest: Manifest, survival: Survival, scored: Scored, update: Update) -> dict[str, Any]:
    """Return the draft of an updated Cox bundle; baseline and horizons are the cohort's own.

    Raises:
        InvalidInputError: If there are too few events, the model runs the wrong way here, or no horizon is left.
    """
    slope, hazard_at = _fitted(scored, update.method)
    terms = [
        {**one.model_dump(mode="json"), "log_hazard_ratio": slope * one.log_hazard_ratio} for one in survival.terms
    ]
    horizons: list[dict[str, Any]] = []
    for one in survival.horizons:
        why = refusal(scored.years, scored.events, one.years)
        at_risk, _ = at_horizon(scored.years, scored.events, one.years)
        hazard = None if why else hazard_at(one.years)
        # No covariance: the coefficients' own uncertainty is not known to the site's cohort, so no interval is given.
        horizons.append({"years": one.years, "baseline_cumulative_hazard": hazard, "at_risk": at_risk, "refused": why})
    given = [one["baseline_cumulative_hazard"] for one in horizons if one["baseline_cumulative_hazard"] is not None]
    if not given:
        raise InvalidInputError("cohort", "is followed too briefly for any horizon of the model")
    golden = [_golden_survival(one, terms, given) for one in manifest.golden]
    said = f"Updated ({update.words}): log hazard ratios times {slope:.4f}, baseline of the cohort. No interval."
    return {
        **_common(manifest, update, len(scored.years), int(scored.events.sum()), said),
        "survival": {"ties": survival.ties, "terms": terms, "horizons": horizons},
        "golden": golden,
    }


def _fitted(scored: Scored, method: Method) -> tuple[float, Any]:
    try:
        found = update_survival(scored.years, scored.events, scored.linear, method)
    except TooFewEventsError as error:
        raise InvalidInputError("cohort", str(error)) from error
    _refuse_flexible(method)
    return _upright(float(found.coefficients[0])), found.fit.hazard_at


def _refuse_flexible(method: Method) -> None:
    """Refuse what a bundle cannot state: a curve has no coefficients, and points could not be read off a nomogram."""
    if method == "flexible":
        raise InvalidInputError(
            "method", "the events suffice, but a bundle states coefficients and a flexible curve has none; use slope"
        )


def _upright(slope: float) -> float:
    if not slope > 0:
        raise InvalidInputError("cohort", f"the model runs the wrong way here (slope {slope:.3f}): it is not updated")
    return slope


def _golden_survival(one: Golden, terms: list[dict[str, Any]], given: list[float]) -> dict[str, Any]:
    linear = math.fsum(term["log_hazard_ratio"] * (one.features[term["feature"]] - term["centre"]) for term in terms)
    outputs = [-math.expm1(-hazard * math.exp(linear)) for hazard in given]
    return {**_golden_head(one), "probability": outputs[0], "outputs": outputs}


def _golden_head(one: Golden) -> dict[str, Any]:
    return {"inputs": one.inputs, "features": one.features, "tolerance": one.tolerance}


def updated_logistic(
    manifest: Manifest, logistic: Logistic, event: Flags, probability: Numbers, update: Update
) -> dict[str, Any]:
    """Return the draft of an updated logistic bundle; ``probability`` and ``event`` are of its positive class.

    Raises:
        InvalidInputError: If there are too few events or the model runs the wrong way here.
    """
    try:
        found = update_logistic(event, probability, update.method)
    except TooFewEventsError as error:
        raise InvalidInputError("cohort", str(error)) from error
    _refuse_flexible(update.method)
    slope = _upright(float(found.coefficients[0]))
    # The printed coefficients are of the modelled event, which may be the complement of the reported one.
    sign = 1.0 if manifest.output.modelled_event == manifest.output.positive_class else -1.0
    intercept = sign * found.intercept + slope * logistic.intercept
    coefficients = [
        {
            "feature": one.feature,
            "log_odds_ratio": slope * one.log_odds_ratio,
            "odds_ratio": math.exp(slope * one.log_odds_ratio),
            "source": f"{one.source}; times {slope:.6f} (update {update.words})",
        }
        for one in logistic.coefficients
    ]
    said = f"Updated ({update.words}): log odds = {found.intercept:+.4f} + {slope:.4f} x the old log odds."
    return {
        **_common(manifest, update, len(event), int(event.sum()), said),
        "logistic": {
            "intercept": intercept,
            "intercept_source": f"Update {update.words} on {len(event)} patients of the cohort.",
            "coefficients": coefficients,
        },
        "golden": [_golden_logistic(one, intercept, coefficients, sign) for one in manifest.golden],
    }


def _golden_logistic(one: Golden, intercept: float, coefficients: list[dict[str, Any]], sign: float) -> dict[str, Any]:
    odds = math.fsum([intercept, *(c["log_odds_ratio"] * one.features[c["feature"]] for c in coefficients)])
    return {**_golden_head(one), "probability": float(1.0 / (1.0 + np.exp(-sign * odds)))}


def _common(manifest: Manifest, update: Update, n: int, events: int, said: str) -> Mapping[str, Any]:
    """Return what both kinds state; the old bundle's metrics are about another model and are not taken over."""
    old = manifest.model_dump(mode="json", exclude_unset=True)
    use = "demonstration" if update.simulated else "research"
    kept = {key: value for key, value in old.items() if key not in ("files", "metrics", "golden")}
    return {
        **kept,
        "id": update.bundle_id,
        "version": update.version,
        "intended_use": use,
        "intended_use_statement": _USE[use],
        "training_data": _cut(
            f"Update of {update.parent} on {update.cohort}: {n} patients, {events} events. The old bundle says: "
            f"{manifest.training_data}"
        ),
        "calibration": f"{said} {n} patients, {events} events; not measured on others since.",
    }


def _cut(text: str) -> str:
    return text if len(text) <= 4000 else text[:3996] + " ..."
