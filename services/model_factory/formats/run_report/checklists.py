"""Reporting checklists, filled from the run; what a run cannot know is shown as a gap for its authors.

TRIPOD+AI: Collins et al., BMJ 2024;385:e078378, items in our words. PROBAST+AI: Moons et al., BMJ 2025;388:e082505, the
questions of its four domains in our words: the judgement is a person's, here stands what the run has for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.model_factory.formats.run_report.blocks import Grid
from services.model_factory.handlers.training.results import CohortFacts, Provenance, RunResults

GAP = "GAP: the run does not hold it; for the authors to write."


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
    return Grid(f"{caption} {len(items) - len(gaps)} of {len(items)} filled, {len(gaps)} gaps.",
                ("Item", "What is asked", "Where it is, or what it says"), rows, (0.08, 0.36, 0.56), gaps)  # fmt: skip


def tripod(results: RunResults) -> tuple[Item, ...]:
    """Return the items of TRIPOD+AI."""
    cohort, made = results.cohort, results.provenance
    return (*front(cohort, made), *_methods(results), *open_science(made), *_found(results))


def front(cohort: CohortFacts, made: Provenance) -> tuple[Item, ...]:
    """Return items 1 to 6, the same for every kind of model."""
    return (
        Item("1", "Title names model, population and outcome", f"Title of this report: {made.recipe}"),
        Item("2", "Abstract"),
        Item("3a", "Healthcare context and rationale"),
        Item("3b", "Target population and intended purpose", "Intended use, in the model card below."),
        Item("3c", "Known health inequalities between groups"),
        Item("4", "Objectives: development, evaluation or both",
             f"Development with internal validation of {made.recipe}, preset {made.preset}."),
        Item("5a", "Sources of data", f"{cohort.name}: {cohort.description}"),
        Item("5b", "Dates of the data and of follow-up",
             "" if not cohort.simulated else "No dates: the patients are simulated (description above)."),
        Item("6a", "Setting and centres"),
        Item("6b", "Eligibility", "Flow of patients: " + "; ".join(box.label for box in cohort.flow)),
        Item("6c", "Treatments received"),
    )  # fmt: skip


def _methods(results: RunResults) -> tuple[Item, ...]:
    cohort, made, chosen = results.cohort, results.provenance, results.selection
    rules = "; ".join(f"{one.method}: {one.rule}" for one in chosen.methods)
    planner = next((one.sentence for one in results.warnings if one.code == "events_per_candidate"), "")
    missing = [step for step in made.steps if "missing" in step]
    competing = f"; competing event: {cohort.competing_event}" if cohort.competing_event else ""
    return (
        Item("7", "Preparation of the data", "; ".join(made.steps)),
        Item("8a", "Outcome and horizon", f"{cohort.event_display} ({cohort.event}) within "
             f"{', '.join(str(h.years) for h in results.model.horizons)} years{competing}"),
        Item("8b", "Qualifications of those who assess a subjective outcome"),
        Item("8c", "Blinding of the assessment of the outcome"),
        Item("9a", "Choice of the initial predictors",
             f"{cohort.candidates} candidates declared in the cohort's manifest; why these: not in the run."),
        Item("9b", "Definition of the predictors, how and when measured",
             "Names and units in table 1. When the sample was taken is not in the run."),
        Item("9c", "Qualifications of those who assess subjective predictors"),
        Item("10", "Sample size", planner or f"{cohort.events} events for {cohort.candidates} candidates."),
        Item("11", "Missing data", "; ".join(missing)),
        Item("12a", "How the data were used", _use(results)),
        Item("12b", "Handling of the predictors", "; ".join(made.steps)),
        Item("12c", "Type of model, building steps, tuning, internal validation",
             f"Cox; selection by {rules}; {'named beforehand' if chosen.prespecified else 'their intersection'}; "
             f"{made.folds}-fold cross-validation with the selection inside; {made.bootstraps} bootstraps."),
        Item("12d", "Heterogeneity between centres and other clusters"),
        Item("12e", "Measures of performance, with reasons",
             "C-index (Harrell, Uno), time-dependent AUC, Brier, also integrated, calibration (ICI, E50, E90, GND), "
             "decision curves."),
        Item("12f", "Updating of the model", "None in this run; `oncorelay recalibrate` makes an updated bundle."),
        Item("12g", "How predictions were computed for evaluation", "From the coefficients of every fold's own model."),
        Item("13", "Class imbalance", "No re-weighting and no re-sampling of classes: the risk is that of the cohort."),
        Item("14", "Approaches to fairness"),
        Item("15", "What the model returns, and where thresholds come from",
             f"A risk per horizon. The action of the decision curves is: {_action(results)}; no threshold is fixed."),
        Item("16", "Differences between the data of development and evaluation",
             "Same cohort: this is internal validation only."),
        Item("17", "Ethics approval and consent",
             "None needed: the patients are simulated." if cohort.simulated else ""),
    )  # fmt: skip


def _use(results: RunResults) -> str:
    others = results.cohort.patients - results.model.n
    rest = f"{others} held out" if others else "nobody held out: judged by cross-validation and bootstrap"
    return f"{results.model.n} patients to learn from, {rest}."


def _action(results: RunResults) -> str:
    return results.decision[0].action if results.decision else "not stated"


def open_science(made: Provenance) -> tuple[Item, ...]:
    """Return items 18 and 19, the same for every kind of model."""
    return (
        Item("18a", "Funding"), Item("18b", "Conflicts of interest"), Item("18c", "Protocol"),
        Item("18d", "Registration"),
        Item("18e", "Availability of the data", "Inputs by sha256: " + "; ".join(f"{n} {h}" for n, h in made.inputs)),
        Item("18f", "Availability of the code", "oncorelay, with " + ", ".join(f"{n} {v}" for n, v in made.software)),
        Item("19", "Involvement of patients and the public"),
    )  # fmt: skip


def _found(results: RunResults) -> tuple[Item, ...]:
    cohort = results.cohort
    gap = results.gap
    optimism = f"Selecting outside cross-validation would pretend {gap.gap:+.3f} of {gap.metric}." if gap else ""
    return (
        Item("20a", "Flow of participants", "Flow of patients; median follow-up "
             f"{cohort.median_follow_up_years:.1f} years."),
        Item("20b", "Characteristics, with missing values", "Table 1."),
        Item("20c", "Comparison of development and evaluation data", "Same cohort: nothing to compare."),
        Item("21", "Participants and events in each analysis", "n and events stand with every number of performance."),
        Item("22", "The whole model", "Table of the model, horizons, nomogram; the bundle holds the same numbers."),
        Item("23a", "Performance with intervals, also in key subgroups",
             "Performance, with intervals. GAP in part: no subgroups are measured."),
        Item("23b", "Heterogeneity between clusters"),
        Item("24", "Results of updating", "No update in this run."),
        Item("25", "Interpretation, also of fairness"),
        Item("26", "Limitations", " ".join([*(one.sentence for one in results.warnings), optimism]).strip()),
        Item("27a", "How unusable or missing input is handled in use",
             "The predictor refuses what is missing, outside the range seen, or in another unit; it never imputes."),
        Item("27b", "Who uses it, and with what expertise"),
        Item("27c", "Next steps", "Validation at the site (`oncorelay validate`), update (`oncorelay recalibrate`)."),
    )  # fmt: skip


def probast(results: RunResults) -> tuple[Item, ...]:
    """Return the questions of PROBAST+AI with what the run has for each."""
    cohort, made = results.cohort, results.provenance
    steps = made.steps
    per = cohort.events / max(cohort.candidates, 1)
    refused = [str(h.years) for h in results.model.horizons if h.refused]
    gap = f"Selection outside minus inside cross-validation: {results.gap.gap:+.3f}." if results.gap else ""
    return (
        Item("1.1", "Participants: was the source of the data suitable?",
             "Simulated patients: not suitable for any claim about patients." if cohort.simulated else ""),
        Item("1.2", "Were inclusions and exclusions suitable?"),
        Item("2.1", "Predictors: defined and measured alike for all?"),
        Item("2.2", "Assessed without knowledge of the outcome?"),
        Item("2.3", "Available when the model is to be used?",
             "Laboratory values and treatment at one draw; the sampling time in the cohort is not in the run."),
        Item("3.1", "Outcome: suitable, pre-specified and alike for all?", f"One definition for all: {cohort.event}."),
        Item("3.2", "Predictors no part of the outcome?"),
        Item("3.3", "Suitable time between predictors and outcome?",
             f"Median follow-up {cohort.median_follow_up_years:.1f} years; last event at {cohort.last_event_years:.1f}."
             + (f" Refused: {', '.join(refused)} years." if refused else "")),
        Item("4.1", "Analysis: enough participants with the outcome?",
             f"{cohort.events} events, {cohort.candidates} candidates: {per:.1f} per candidate (10 are wanted)."),
        Item("4.2", "Continuous predictors handled well?", "; ".join(made.steps)),
        Item("4.3", "All enrolled participants analysed?", "Flow of patients names everybody who left and why."),
        Item("4.4", "Missing data handled well?", "Inside each fold: " + "; ".join(s for s in steps if "miss" in s)),
        Item("4.5", "No selection by univariable p?", "Selection by three multivariable methods; no p value decides."),
        Item("4.6", "Censoring and competing events accounted for?",
             "Cox; cause-specific. Beside it Aalen-Johansen." if cohort.competing_event
             else "Cox; the cohort records no competing event."),
        Item("4.7", "Calibration and discrimination both judged?", "Both, at every horizon that is given."),
        Item("4.8", "Overfitting and optimism accounted for?",
             f"Whole pipeline in {made.folds} folds and {made.bootstraps} bootstraps. {gap}".strip()),
        Item("4.9", "No information from those judged on leaks into what is learned?",
             "By type: selectors, scalers, imputers and cuts are fitted on the rows of one fold only."),
        Item("A", "Applicability to the population of the site"),
        Item("J", "Judgement of the risk of bias, by people"),
    )  # fmt: skip
