"""``card.md`` of a model from images: what a person must know before using it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from services.model_factory.formats.card_text import card_text, performance_table
from services.model_factory.handlers.imaged.results import FamilyModel, ImagedResults

_Z = 1.959963984540054


def imaged_card(draft: Mapping[str, Any], model: FamilyModel, results: ImagedResults) -> str:
    """Return the model card."""
    sections = (
        ("Intended use", draft["intended_use_statement"]),
        ("What it answers", _answer(draft)),
        ("Inputs", _inputs(draft)),
        ("Images", _images(draft)),
        ("Coefficients", _coefficients(model)),
        ("Random forest", _forest(model)),
        ("Training data", draft["training_data"]),
        ("Performance", performance_table(draft)),
        ("Calibration", draft["calibration"]),
        ("Threshold", "\n".join(f"{one['value']:.4f}: {one['source']}." for one in draft["thresholds"])),
        ("Warnings", "\n".join(f"- {one.sentence}" for one in results.warnings) or "None."),
        ("Limits", _LIMITS),
    )
    return card_text(draft, sections)


_LIMITS = (
    "- Outside the model: T0, Tis, TX, node-negative patients, images or receptors after the start of therapy.\n"
    "- HER2 negative that is not told apart into 0 and low is scored as 0, with a flag.\n"
    "- A region, a phase or a scanner unlike those seen makes the image scores mean something else; the distance from "
    "the training patients is stated with every result.\n"
    "- One cohort, no external validation."
)


def _answer(draft: Mapping[str, Any]) -> str:
    output = draft["output"]
    return (
        f"The probability of `{output['positive_class']}`: {output['classes'][0]['display']}. This is the favourable "
        f"event; it is also the event the coefficients model. Its complement, `{output['complement_class']}`, is "
        "always shown with it."
    )


def _inputs(draft: Mapping[str, Any]) -> str:
    return "\n".join(f"- `{one['name']}` ({', '.join(one['levels'])}): {one['meaning']}" for one in draft["inputs"])


def _images(draft: Mapping[str, Any]) -> str:
    imaging = draft.get("imaging")
    if imaging is None:
        return "None are used."
    score = imaging["rad_score"]
    rows = [f"| {one['feature']} | {one['coefficient']:+.4f} |" for one in score["terms"]]
    said = [
        f"`rad_score` from {len(rows)} standardised features, {score['engine']}, preset {score['settings']['preset']}:",
        "\n".join(["| feature | coefficient |", "|---|---|", *rows]),
    ]
    network = imaging.get("network")
    if network:
        said.append(
            f"`dl_prob` by {network['architecture']} ({network['parameters']:,} parameters) on a crop of "
            f"{' x '.join(str(n) for n in network['input_shape'][1:])} voxels around the region."
        )
    return "\n\n".join(said)


def _coefficients(model: FamilyModel) -> str:
    rows = []
    for place, (name, beta) in enumerate(zip(model.columns, model.coefficients, strict=True), start=1):
        half = _Z * math.sqrt(max(0.0, model.covariance[place][place]))
        rows.append(f"| {name} | {math.exp(beta):.3g} ({math.exp(beta - half):.3g} to {math.exp(beta + half):.3g}) |")
    note = "Fitted with a small ridge penalty." if model.penalised else "Maximum likelihood."
    head = ["| column | odds ratio (95 %, Wald) |", "|---|---|"]
    return "\n".join([*head, *rows, f"| intercept (log odds) | {model.intercept:.4f} |", "", note])


def _forest(model: FamilyModel) -> str:
    return (
        f"{model.trees} trees, {model.per_split} feature per split (paper 000), for a site that chooses it; threshold "
        f"{model.forest_threshold:.4f}. Its graph differs from scikit-learn by at most {model.forest_parity:.1e}."
    )
