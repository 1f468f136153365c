"""``card.md``: what a person must know about a bundle before using it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.model_factory.formats.card_text import card_text


def card(draft: Mapping[str, Any]) -> str:
    """Return the model card of a manifest draft; states nothing the manifest does not."""
    sections = (
        ("Intended use", draft["intended_use_statement"]),
        ("What it answers", _answer(draft["output"])),
        ("Inputs", _inputs(draft["inputs"])),
        ("Coefficients", _coefficients(draft["logistic"])),
        ("Intercept", draft["logistic"]["intercept_source"]),
        ("Training data", draft["training_data"]),
        ("Calibration", draft["calibration"]),
        ("Threshold", "\n".join(f"{one['value']:g}: {one['source']}." for one in draft["thresholds"])),
        ("External result", _metrics(draft["metrics"])),
        ("Limits", _LIMITS),
    )
    return card_text(draft, sections)


_LIMITS = (
    "- No interval of a single probability can be given: the paper publishes no covariance.\n"
    "- T is not monotone: T2 and T3 have better odds of axillary pCR than T1 in the paper's table, T4 has worse.\n"
    "- The paper gives no evidence that the coefficients hold elsewhere; the one external result is above.\n"
    "- Outside the model: T0, Tis, TX, node-negative patients, images or receptors after the start of therapy."
)


def _answer(output: Mapping[str, Any]) -> str:
    display = output["classes"][0]["display"]
    return (
        f"The probability of `{output['positive_class']}`: {display}. This is the favourable event. Its complement, "
        f"`{output['complement_class']}` ({output['complement_display']}), is always shown with it.\n\n"
        f"The published table models the complement (`{output['modelled_event']}`, non-pCR): an odds ratio above 1 "
        "there lowers the probability reported here. The paper's tables disagree about which group is which; that "
        "axillary pCR is the group of 231 follows from its 138 patients with no residual tumour in the breast, the "
        "same number as the paper's total pCR."
    )


def _inputs(inputs: Any) -> str:
    return "\n".join(f"- `{one['name']}` ({', '.join(one['levels'])}): {one['meaning']}" for one in inputs)


def _coefficients(logistic: Mapping[str, Any]) -> str:
    rows = [
        f"| {one['feature']} | {one['odds_ratio']:g} | {one['log_odds_ratio']:.6f} |"
        for one in logistic["coefficients"]
    ]
    head = ["| feature | odds ratio of non-pCR | log |", "|---|---|---|"]
    source = "Source: paper 000, table 3, multivariable. Reference levels: ER negative, HER2 0, T1."
    return "\n".join([*head, *rows, f"| intercept | | {logistic['intercept']:.6f} |", "", source])


def _metrics(metrics: Any) -> str:
    head = [
        "| metric | value | 95 % interval | positive class | n | events |",
        "|---|---|---|---|---|---|---|",
    ]
    cohorts = dict.fromkeys(f"{one['cohort']}. Repeat it with `{one['source']}`." for one in metrics)
    return "\n".join([*head, *(_metric(one) for one in metrics), "", *cohorts])


def _metric(one: Mapping[str, Any]) -> str:
    low, high = one["interval"] or (None, None)
    interval = f"{low:.4f} to {high:.4f} ({one['interval_method']})" if one["interval"] else "none"
    cells = (one["name"], f"{one['value']:.4f}", interval, one["positive_class"], one["n"], one["positives"])
    return f"| {' | '.join(str(cell) for cell in cells)} |"
