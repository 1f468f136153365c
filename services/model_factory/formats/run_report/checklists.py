"""Reporting checklists, filled from the run; what a run cannot know is shown as a gap for its authors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.model_factory.formats.run_report.blocks import Grid
from services.model_factory.formats.run_report.questions import PROBAST, TRIPOD
from services.model_factory.handlers.cohort.facts import CohortFacts
from services.model_factory.handlers.training.stated import Provenance

GAP = "GAP: the run does not hold it; for the authors to write."

Answers = Mapping[str, str]
"""By the question's number; a question without one, or with an empty one, is a gap."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item; ``answer`` empty is a gap."""

    number: str
    topic: str
    answer: str = ""


def grid(caption: str, items: tuple[Item, ...]) -> Grid:
    """Return a checklist as a table, its gaps marked."""
    rows = tuple((one.number, one.topic, one.answer or GAP) for one in items)
    gaps = frozenset(number for number, one in enumerate(items) if not one.answer)
    return Grid(
        f"{caption} {len(items) - len(gaps)} of {len(items)} filled, {len(gaps)} gaps.",
        ("Item", "What is asked", "Where it is, or what it says"),
        rows,
        (0.08, 0.36, 0.56),
        gaps,
    )


def tripod_of(cohort: CohortFacts, made: Provenance, answers: Answers) -> tuple[Item, ...]:
    """Return the items of TRIPOD+AI: what every run answers alike, and what this kind of run answers."""
    return _filled(TRIPOD, {**_of_any_run(cohort, made), **answers})


def probast_of(made: Provenance, answers: Answers) -> tuple[Item, ...]:
    """Return the questions of PROBAST+AI: what every run answers alike, and what this kind of run answers."""
    return _filled(PROBAST, {"4.2": "; ".join(made.steps), **answers})


def _filled(questions: Mapping[str, str], answers: Answers) -> tuple[Item, ...]:
    if strange := set(answers) - set(questions):
        raise ValueError(f"no such question: {sorted(strange)}")
    return tuple(Item(number, topic, answers.get(number, "")) for number, topic in questions.items())


def _of_any_run(cohort: CohortFacts, made: Provenance) -> Answers:
    steps = "; ".join(made.steps)
    return {
        "1": f"Title of this report: {made.recipe}",
        "3b": "Intended use, in the model card below.",
        "4": f"Development with internal validation of {made.recipe}, preset {made.preset}.",
        "5a": f"{cohort.name}: {cohort.description}",
        "5b": "" if not cohort.simulated else "No dates: the patients are simulated (description above).",
        "6b": "Flow of patients: " + "; ".join(box.label for box in cohort.flow),
        "7": steps,
        "12b": steps,
        "18e": "Inputs by sha256: " + "; ".join(f"{n} {h}" for n, h in made.inputs),
        "18f": "oncorelay, with " + ", ".join(f"{n} {v}" for n, v in made.software),
        "21": "n and events stand with every number of performance.",
        "24": "No update in this run.",
    }
