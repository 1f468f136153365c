"""A prediction as JSON and as text; both always name the event and its complement."""

from __future__ import annotations

from typing import Any

from shared.domain.prediction import HorizonRisk, Prediction


def to_json(prediction: Prediction) -> dict[str, Any]:
    """Return the prediction as plain values; ``probability`` is that of ``positive_class``."""
    outcome = prediction.outcome
    return {
        "bundle": prediction.bundle.bundle_id,
        "bundle_version": prediction.bundle.version,
        "bundle_digest": prediction.bundle.digest,
        "intended_use": prediction.bundle.intended_use.value,
        "predictor": prediction.predictor,
        "variant": prediction.variant,
        "probability": prediction.probability,
        "positive_class": outcome.positive_class,
        "complement": prediction.complement,
        "complement_class": outcome.complement_class,
        "favourable": outcome.favourable,
        "interval": list(prediction.interval) if prediction.interval else None,
        "inputs": {one.name: one.value for one in prediction.inputs},
        "flags": [{"code": flag.code, "text": flag.text} for flag in prediction.flags],
        "alternatives": [{"label": one.label, "probability": one.probability} for one in prediction.alternatives],
        "horizons": [_horizon(one) for one in prediction.horizons],
        "points": {one.name: one.points for one in prediction.points},
        "runtime": prediction.runtime,
        "precision": prediction.precision,
    }


def render_text(prediction: Prediction) -> str:
    """Return the prediction as a person reads it."""
    outcome = prediction.outcome
    lines = [
        f"{prediction.bundle.bundle_id} {prediction.bundle.version} ({prediction.bundle.intended_use.value})",
        f"inputs: {' '.join(f'{one.name}={one.value}' for one in prediction.inputs)}",
        f"{_percent(prediction.probability)}  {outcome.positive_class}: {outcome.display}",
        f"{_percent(prediction.complement)}  {outcome.complement_class}: {outcome.complement_display}",
    ]
    lines += [
        f"{_percent(one.probability)}  {outcome.positive_class} if {one.label}" for one in prediction.alternatives
    ]
    lines += [_within(one) for one in prediction.horizons]
    if prediction.points:
        lines.append(f"points: {' '.join(f'{one.name}={one.points:.1f}' for one in prediction.points)}")
    lines += [f"! {flag.text}" for flag in prediction.flags]
    return "\n".join(lines)


def _horizon(one: HorizonRisk) -> dict[str, Any]:
    return {
        "years": one.years,
        "probability": one.probability,
        "interval": list(one.interval) if one.interval else None,
        "refused": one.refused or None,
    }


def _within(one: HorizonRisk) -> str:
    if one.probability is None:
        return f"   none  within {one.years} years: {one.refused}"
    between = ""
    if one.interval is not None:
        low, high = one.interval
        between = f" (95 % interval {_percent(low).strip()} to {_percent(high).strip()})"
    return f"{_percent(one.probability)}  within {one.years} years{between}"


def _percent(probability: float) -> str:
    return f"{100 * probability:5.1f} %"
