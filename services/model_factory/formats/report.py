"""A validation result for people (plain text, with the flow of exclusions) and for programs (JSON)."""

from __future__ import annotations

import textwrap
from typing import Any

from services.model_factory.handlers.cohorts import FlowStep
from services.model_factory.handlers.statistics.estimates import Estimate
from services.model_factory.handlers.validate_bundle import AtThreshold, ValidationResult

_WIDTH = 44
NO_THRESHOLD = "the bundle states none"


def to_json(result: ValidationResult) -> dict[str, Any]:
    """Return the result as plain values; every metric is for ``positive_class`` on ``n`` of ``unit``."""
    cut = result.at_threshold
    return {
        "bundle": result.bundle.bundle_id,
        "bundle_version": result.bundle.version,
        "bundle_digest": result.bundle.digest,
        "cohort": result.cohort,
        "n": result.n,
        "positives": result.positives,
        "positive_class": result.positive_class,
        "unit": result.unit,
        "auc": result.auc.value,
        "auc_ci": list(result.auc.interval),
        "auc_ci_method": result.auc.method,
        "threshold": cut.threshold if cut else None,
        "threshold_source": cut.source if cut else NO_THRESHOLD,
        "at_threshold": {"sensitivity": _estimate(cut.sensitivity), "specificity": _estimate(cut.specificity)}
        if cut
        else None,
        "calibration": _calibration(result),
        "findings": [finding.sentence for finding in result.findings()],
        "flow": [{"label": s.label, "excluded": s.excluded, "remaining": s.remaining} for s in result.flow],
    }


def _calibration(result: ValidationResult) -> dict[str, Any]:
    measured = result.calibration
    return {
        "n": result.n,
        "observed": measured.observed,
        "expected": measured.expected,
        "observed_to_expected": _estimate(measured.ratio),
        "in_the_large": _estimate(measured.in_the_large),
        "slope": _estimate(measured.slope),
        "intercept": _estimate(measured.intercept),
        "brier": measured.brier,
        "brier_of_prevalence": measured.brier_of_prevalence,
    }


def _estimate(one: Estimate) -> dict[str, Any]:
    return {"value": one.value, "interval": list(one.interval), "method": one.method}


def render_text(result: ValidationResult) -> str:
    """Return the report as a person reads it."""
    head = f"{result.bundle.bundle_id} {result.bundle.version} on cohort {result.cohort}"
    parts = [head, "=" * len(head), "", textwrap.fill(result.description, 100), "", *_flow(result), ""]
    parts += [*_numbers(result), "", *_limits(result)]
    return "\n".join(parts) + "\n"


def _flow(result: ValidationResult) -> list[str]:
    first, *steps = result.flow
    lines = _box(f"{first.remaining} {first.label}")
    for step in steps:
        lines += _arrow(step)
    others = result.n - result.positives
    return [
        *lines,
        *_box(f"{result.n} {result.unit}s analysed: {result.positives} {result.positive_class}, {others} without"),
    ]


def _arrow(step: FlowStep) -> list[str]:
    left = " " * (_WIDTH // 2)
    excluded = f"{left}├──▶ {step.excluded} excluded: {step.label}"
    return [f"{left}│", excluded, f"{left}▼", f"{left}{step.remaining} remain"]


def _box(text: str) -> list[str]:
    width = max(_WIDTH, len(text) + 2)
    return [f"┌{'─' * width}┐", f"│{text.center(width)}│", f"└{'─' * width}┘"]


def _numbers(result: ValidationResult) -> list[str]:
    measured = result.calibration
    rows = [
        f"every number is for {result.positive_class}, n = {result.n} {result.unit}s, {result.positives} events",
        _row("AUC", result.auc),
        *(_cut(result.at_threshold) if result.at_threshold else [f"threshold: {NO_THRESHOLD}"]),
        f"observed {measured.observed:.3f}, expected {measured.expected:.3f}",
        _row("observed : expected", measured.ratio),
        _row("calibration in the large", measured.in_the_large),
        _row("calibration slope", measured.slope),
        _row("calibration intercept", measured.intercept),
        f"Brier score {measured.brier:.4f} (always saying the prevalence: {measured.brier_of_prevalence:.4f})",
    ]
    doubts = [textwrap.fill(f"! {finding.sentence}", 100) for finding in result.findings()]
    return [rows[0], "-" * len(rows[0]), *rows[1:], *doubts]


def _cut(cut: AtThreshold) -> list[str]:
    return [
        f"threshold {cut.threshold:g}: {cut.source}",
        _row("  sensitivity", cut.sensitivity),
        _row("  specificity", cut.specificity),
    ]


def _row(name: str, one: Estimate) -> str:
    low, high = one.interval
    return f"{name} {one.value:.4f} ({low:.4f} to {high:.4f}; {one.method})"


def _limits(result: ValidationResult) -> list[str]:
    text = (
        f"With {result.positives} events no flexible calibration curve is drawn (some 200 events and as many "
        "non-events are needed). One cohort, one centre: no claim beyond it."
    )
    return [textwrap.fill(text, 100)]
