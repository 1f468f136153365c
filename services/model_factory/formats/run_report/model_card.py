"""The model card as a section of the report."""

from __future__ import annotations

from collections.abc import Iterator

from services.model_factory.formats.run_report.blocks import Block, Bullets, Heading, Text
from services.model_factory.handlers.training.results import RunResults


def model_card(results: RunResults) -> Iterator[Block]:
    """Yield what a person must know before using the model."""
    cohort, model = results.cohort, results.model
    yield Heading("Model card")
    yield Heading("Intended use", 3)
    use = "demonstration: how values become a result" if cohort.simulated else "research under its own approval"
    yield Text(f"For {use}. Not for decisions about a patient.")
    yield Heading("What it answers", 3)
    yield Bullets(
        tuple(
            f"{one.years} years: {f'refused, {one.refused}' if one.refused else 'a risk with its 95 % interval'}"
            for one in model.horizons
        )
    )
    yield Heading("Inputs", 3)
    yield Bullets(tuple(dict.fromkeys(
        f"{t.candidate}: {t.level} or not" if t.transform == "indicator"
        else f"{t.candidate}: {t.low:g} to {t.high:g} {t.unit}; outside this range there is no answer"
        for t in model.terms
    )))  # fmt: skip
    yield Heading("Limits", 3)
    yield Bullets(
        (
            "The risk is that of a patient who does not die of something else before (cause-specific hazard).",
            "One cohort: no claim beyond it. No subgroup was measured.",
            "The cuts and groups in this report are made from the same patients: they are descriptions.",
            *(one.sentence for one in results.warnings),
        )
    )
