"""``card.md`` of a Cox model: what a person must know before using it; from the manifest's draft and the run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from services.model_factory.formats.card_text import card_text, performance_table
from services.model_factory.handlers.training.results import RunResults


def survival_card(draft: Mapping[str, Any], results: RunResults) -> str:
    """Return the model card."""
    sections = (
        ("Intended use", draft["intended_use_statement"]),
        ("What it answers", _answer(draft, results)),
        ("Inputs", "\n".join(_input(one) for one in draft["inputs"])),
        ("Coefficients", _coefficients(results)),
        ("Training data", draft["training_data"]),
        ("How the values were prepared", "\n".join(f"- {step}" for step in results.provenance.steps)),
        ("Performance", performance_table(draft)),
        ("Selection", _selection(results)),
        ("Calibration", draft["calibration"]),
        ("Warnings", "\n".join(f"- {one.sentence}" for one in results.warnings) or "None."),
        ("Limits", _LIMITS),
    )
    return card_text(draft, sections)


_LIMITS = (
    "- Outside the range of a measured input the model gives no answer.\n"
    "- Not for men, patients with known lung metastasis, active infection or rheumatic disease.\n"
    "- Death without the event ends follow-up like censoring: the risk is that of a woman who does not die before.\n"
    "- When the sample is to be taken is not stated by the method's paper."
)


def _answer(draft: Mapping[str, Any], results: RunResults) -> str:
    output = draft["output"]
    lines = [f"The probability of `{output['positive_class']}` ({output['classes'][0]['display']}) within"]
    for one in results.model.horizons:
        said = one.refused or f"given; {one.at_risk} still followed, {one.events} events before"
        lines.append(f"- {one.years} years: {said}")
    return "\n".join(lines)


def _input(one: Mapping[str, Any]) -> str:
    if "levels" in one:
        return f"- `{one['name']}` ({', '.join(one['levels'])}): {one['meaning']}"
    seen = one["range"]
    limit = f"; below {seen['detection_limit']:g} counted as half of it" if "detection_limit" in seen else ""
    return f"- `{one['name']}` ({seen['low']:g} to {seen['high']:g} {seen['unit']}{limit}): {one['meaning']}"


def _coefficients(results: RunResults) -> str:
    head = ["| column | hazard ratio (95 %) | p | alone |", "|---|---|---|---|"]
    rows = []
    for term in results.model.terms:
        ratio, half = term.log_hazard_ratio, 1.959963984540054 * term.standard_error
        interval = f"{math.exp(ratio - half):.2f} to {math.exp(ratio + half):.2f}"
        name = f"ln(1 + {term.candidate})" if term.transform == "log1p" else term.feature
        alone = math.exp(term.univariable_log_hazard_ratio)
        rows.append(f"| {name} | {math.exp(ratio):.2f} ({interval}) | {term.p:.3g} | {alone:.2f} |")
    return "\n".join([*head, *rows, "", f"Cox, ties by {results.model.ties.capitalize()}."])


def _selection(results: RunResults) -> str:
    chosen = results.selection
    counts = "; ".join(f"{' ∩ '.join(one.methods)} only: {one.count}" for one in chosen.venn)
    often = sorted(chosen.frequencies, key=lambda one: -one.intersection)[:8]
    lines = [f"Chosen: {', '.join(chosen.chosen)}. {counts}."]
    if often:
        shares = ", ".join(f"{one.candidate} {one.intersection:.0%}" for one in often)
        lines.append(f"Chosen by all methods in {chosen.draws} bootstrap draws: {shares}.")
    if results.gap:
        gap = results.gap
        lines.append(
            f"{gap.metric}: {gap.inside:.3f} with the selection inside cross-validation, {gap.outside:.3f} outside: "
            f"{gap.gap:.3f} would be optimism."
        )
    return "\n\n".join(lines)
