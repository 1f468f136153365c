"""``card.md`` of an updated bundle; states nothing its manifest does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.model_factory.formats.card_text import card_text
from services.model_factory.handlers.cohorts import FlowStep


def updated_card(draft: Mapping[str, Any], parent: str, flow: Sequence[FlowStep]) -> str:
    """Return the model card."""
    sections = (
        ("Intended use", draft["intended_use_statement"]),
        ("Updated from", parent),
        ("Calibration", draft["calibration"]),
        ("Training data", draft["training_data"]),
        ("Patients of the update", "\n".join(f"- {s.label}: {s.excluded} left, {s.remaining} remain" for s in flow)),
        ("Inputs", "\n".join(f"- `{one['name']}`: {one['meaning']}" for one in draft["inputs"])),
        ("Coefficients", _coefficients(draft)),
        ("Performance", "Not measured since the update. Use `oncorelay validate` on patients it was not made from."),
    )
    return card_text(draft, sections)


def _coefficients(draft: Mapping[str, Any]) -> str:
    if draft.get("survival"):
        terms = [f"- {one['feature']}: {one['log_hazard_ratio']:.6f}" for one in draft["survival"]["terms"]]
        return "\n".join([*terms, *(_horizon(one) for one in draft["survival"]["horizons"])])
    logistic = draft["logistic"]
    rows = [f"- {one['feature']}: {one['log_odds_ratio']:.6f}" for one in logistic["coefficients"]]
    return "\n".join([f"- intercept: {logistic['intercept']:.6f}", *rows])


def _horizon(one: Mapping[str, Any]) -> str:
    said = one["refused"] or f"H0 {one['baseline_cumulative_hazard']:.6f}"
    return f"- {one['years']} years: {said}"
