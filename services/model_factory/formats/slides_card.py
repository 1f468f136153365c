"""``card.md`` of a her2 model: what a person must know before using it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.model_factory.formats.card_text import card_text, performance_table
from services.model_factory.handlers.slides.contradictions import CONTRADICTIONS
from services.model_factory.handlers.slides.order import TL_PA
from services.model_factory.handlers.slides.results import SlidesResults
from services.model_factory.handlers.training.stated import Estimated
from shared.predictors.her2.scale import CUTS

_LIMITS = (
    "- H&E shows neither IHC nor FISH: a level is what the slide *resembles*. Confirm by IHC/ISH, always.\n"
    "- Not asked: lymph nodes, specimens after therapy began, slides of another stain, coarser resolutions.\n"
    "- Fewer tumour patches than the site demands, or an interval across a cut that matters: indeterminate, no level.\n"
    "- A scanner that was not seen may shift every score; the answer says so, and a signed calibration record of the "
    "site corrects the shift and nothing else.\n"
    "- No HER2-low category exists in this model, and none may be read from it."
)


def slides_card(draft: Mapping[str, Any], results: SlidesResults) -> str:
    """Return the model card."""
    sections = (
        ("Intended use", draft["intended_use_statement"]),
        ("What it answers", _answer(draft)),
        ("How a slide is read", _reading(draft, results)),
        ("The network", _network(results)),
        ("Levels", _levels(results)),
        ("Training data", draft["training_data"]),
        ("Performance", performance_table(draft).replace("unit: patient", "unit: slide")),
        ("Beside it, on the same slides", _beside(results)),
        ("Calibration", draft["calibration"]),
        ("How the paper was read", _readings(results)),
        ("Sensitivity to how slides are cut", _cropping(results)),
        ("What the paper contradicts", "\n".join(f"- {one}" for one in CONTRADICTIONS)),
        ("Warnings", "\n".join(f"- {one.sentence}" for one in results.warnings) or "None."),
        ("Limits", _LIMITS),
    )
    return card_text(draft, sections)


def _answer(draft: Mapping[str, Any]) -> str:
    output = draft["output"]
    return (
        f"The probability of `{output['positive_class']}`: {output['classes'][0]['display']}, made from TL-PA's score "
        "of the slide (paper 003, Eq. 2-6), and which of five levels the slide resembles. The complement is "
        f"`{output['complement_class']}`."
    )


def _reading(draft: Mapping[str, Any], results: SlidesResults) -> str:
    cut, facts = results.cut, results.slides
    return (
        f"Patches of {cut.side_um:g} micrometres at {cut.input_px} pixels; at least {cut.least_tissue:.0%} tissue by a "
        f"mask at 8 micrometres; grey variance below {cut.background_variance:g} is background. Stains: Vahadane, "
        f"fitted per slide, brought to one fixed reference; smallest angle between the two stains of a slide "
        f"{facts.smallest_angle:.1f} degrees, {len(facts.fallbacks)} slides by a fallback. Scanners seen: "
        f"{', '.join(draft['slides']['scanners']) or 'none stated'}."
    )


def _network(results: SlidesResults) -> str:
    one = results.network
    first = f"began from {one.pretrained}" if one.pretrained else "began from random weights: NOT PRE-TRAINED"
    rows = ["| patches of unseen slides, positive class | AUC (95 %, by patient) | positive | patches |"]
    rows += ["|---|---|---|---|"]
    aucs = results.patches.aucs if results.patches else ()
    rows += [
        f"| {p.positive_class} | {p.auc:.3f} ({p.low:.3f} to {p.high:.3f}) | {p.positives} | {p.patches} |"
        for p in aucs
    ]
    head = f"{one.architecture}, {one.parameters:,} parameters, {first}; {one.epochs} epochs."
    return "\n".join([head, "", *rows])


def _levels(results: SlidesResults) -> str:
    cuts = ", ".join(f"{one:.2f}" for one in CUTS)
    rows = ["| by IHC and FISH | slides | median score | quartiles |", "|---|---|---|---|"]
    rows += [f"| {o.level} | {o.n} | {o.median:.3f} | {o.low:.3f} to {o.high:.3f} |" for o in results.level_scores]
    said = f"Cut at {cuts} (paper 003). They are names of what a slide resembles, in no order of worth."
    return "\n".join([said, "", *rows])


def _beside(results: SlidesResults) -> str:
    rows = ["| method | AUC, HER2-positive | slides |", "|---|---|---|"]
    rows += [
        f"| {one.model}, {one.kind.replace('_', ' ')} | {_auc(one)} | {one.n} |"
        for one in results.performance
        if one.name == "auc" and "." not in one.model
    ]
    own = [f"{name}: features of {source}." for name, source in results.features]
    text = "Attention MIL (CLAM) and graph MIL (SlideGraph+), written from their papers. Worse or better, all are here."
    return "\n".join([text, "", *rows, "", *own])


def _auc(one: Estimated) -> str:
    if one.value is None:
        return "-"
    between = f" ({one.interval[0]:.3f} to {one.interval[1]:.3f})" if one.interval else ""
    return f"**{one.value:.3f}**{between}" if one.model == TL_PA else f"{one.value:.3f}{between}"


def _readings(results: SlidesResults) -> str:
    head = "| Area_IHC counts | 0.3 x tumour patches | AUC | set to 0 | other level | mean change |"
    rows = [head, "|---|---|---|---|---|---|"]
    for one in results.readings:
        who = "tumour patches (A)" if one.area == "a" else "all patches (B)"
        auc = "-" if one.auc is None else f"{one.auc:.3f}"
        rows.append(
            f"| {who} | {one.rounding} | {auc} | {one.set_to_zero} of {one.n} | {one.levels_changed} | "
            f"{one.mean_difference:.4f} |"
        )
    cropping, area, rounding = results.reading
    return "\n".join([f"This bundle: cut by {cropping}, reading {area.upper()}, {rounding}.", "", *rows])


def _cropping(results: SlidesResults) -> str:
    one = results.croppings
    if one is None:
        return "Not measured: no slide was cut by the other rule."
    if one.mean_difference is None or one.mean_absolute is None:
        return f"{one.n} slides were cut by both rules; none has a score by both."
    return (
        f"{one.n} slides cut by both rules: {one.own} {one.own_um[0]:.0f} to {one.own_um[1]:.0f} micrometres, "
        f"{one.other} {one.other_um[0]:.0f} to {one.other_um[1]:.0f} micrometres. The other rule moves the score by "
        f"{one.mean_difference:+.3f} on average, {one.mean_absolute:.3f} in size; {one.levels_changed} slides resemble "
        f"another level, {one.not_scorable} cannot be scored."
    )
