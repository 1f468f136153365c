"""A validation of a Cox bundle for people (plain text) and for programs (JSON)."""

from __future__ import annotations

import textwrap
from typing import Any

from services.model_factory.handlers.external_survival import SurvivalValidation
from services.model_factory.handlers.training.stated import Estimated


def to_json(found: SurvivalValidation) -> dict[str, Any]:
    """Return the result as plain values."""
    return {
        "bundle": found.bundle.bundle_id,
        "bundle_version": found.bundle.version,
        "bundle_digest": found.bundle.digest,
        "cohort": found.cohort,
        "n": found.n,
        "events": found.events,
        "positive_class": found.positive_class,
        "metrics": [_metric(one) for one in found.verdict.performance],
        "refused": [{"years": years, "why": why} for years, why in found.refused],
        "warnings": list(found.warnings),
        "flow": [{"label": s.label, "excluded": s.excluded, "remaining": s.remaining} for s in found.flow],
    }


def _metric(one: Estimated) -> dict[str, Any]:
    return {
        "name": one.name, "value": one.value, "interval": one.interval, "interval_method": one.interval_method,
        "positive_class": one.positive_class, "unit": one.unit_of_analysis, "n": one.n, "events": one.events,
        "years": one.years,
    }  # fmt: skip


def render_text(found: SurvivalValidation) -> str:
    """Return the result as a person reads it."""
    head = f"{found.bundle.bundle_id} {found.bundle.version} on cohort {found.cohort}"
    flow = [f"  {step.label}: {step.excluded} left, {step.remaining} remain" for step in found.flow]
    numbers = [_row(one) for one in found.verdict.performance]
    refused = [f"! nothing is measured at {years} years: {why}" for years, why in found.refused]
    said = f"every number is for {found.positive_class}, by patient, n = {found.n}, {found.events} events"
    doubts = [textwrap.fill(f"! {one}", 100) for one in found.warnings]
    limit = "One cohort: no claim beyond it."
    parts = [head, "=" * len(head), "", textwrap.fill(found.description, 100), "", "Patients", *flow, "", said,
             "-" * len(said), *numbers, *refused, *doubts, "", limit]  # fmt: skip
    return "\n".join(parts) + "\n"


def _row(one: Estimated) -> str:
    value = "not measured" if one.value is None else f"{one.value:.4f}"
    between = f"{one.interval[0]:.4f} to {one.interval[1]:.4f}" if one.interval else "no interval"
    return f"{one.name.replace('_', ' ')} {value} ({between}; {one.interval_method})"
