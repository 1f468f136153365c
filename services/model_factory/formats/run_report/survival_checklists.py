"""TRIPOD+AI and PROBAST+AI of a run on times to an event, filled from the run; gaps are its authors'."""

from __future__ import annotations

from services.model_factory.formats.run_report.checklists import Answers, Item, probast_of, tripod_of
from services.model_factory.handlers.training.results import RunResults


def tripod(results: RunResults) -> tuple[Item, ...]:
    """Return the items of TRIPOD+AI."""
    return tripod_of(results.cohort, results.provenance, {**_methods(results), **_found(results)})


def _methods(results: RunResults) -> Answers:
    cohort, made, chosen = results.cohort, results.provenance, results.selection
    rules = "; ".join(f"{one.method}: {one.rule}" for one in chosen.methods)
    planner = next((one.sentence for one in results.warnings if one.code == "events_per_candidate"), "")
    missing = [step for step in made.steps if "missing" in step]
    competing = f"; competing event: {cohort.competing_event}" if cohort.competing_event else ""
    return {
        "8a": (
            f"{cohort.event_display} ({cohort.event}) within "
            f"{', '.join(str(h.years) for h in results.model.horizons)} years{competing}"
        ),
        "9a": f"{cohort.candidates} candidates declared in the cohort's manifest; why these: not in the run.",
        "9b": "Names and units in table 1. When the sample was taken is not in the run.",
        "10": planner or f"{cohort.events} events for {cohort.candidates} candidates.",
        "11": "; ".join(missing),
        "12a": _use(results),
        "12c": (
            f"Cox; selection by {rules}; {'named beforehand' if chosen.prespecified else 'their intersection'}; "
            f"{made.folds}-fold cross-validation with the selection inside; {made.bootstraps} bootstraps."
        ),
        "12e": (
            "C-index (Harrell, Uno), time-dependent AUC, Brier, also integrated, calibration (ICI, E50, E90, GND), "
            "decision curves."
        ),
        "12f": "None in this run; `oncorelay recalibrate` makes an updated bundle.",
        "12g": "From the coefficients of every fold's own model.",
        "13": "No re-weighting and no re-sampling of classes: the risk is that of the cohort.",
        "15": f"A risk per horizon. The action of the decision curves is: {_action(results)}; no threshold is fixed.",
        "16": "Same cohort: this is internal validation only.",
        "17": "None needed: the patients are simulated." if cohort.simulated else "",
    }


def _found(results: RunResults) -> Answers:
    cohort = results.cohort
    gap = results.gap
    optimism = f"Selecting outside cross-validation would pretend {gap.gap:+.3f} of {gap.metric}." if gap else ""
    return {
        "20a": f"Flow of patients; median follow-up {cohort.median_follow_up_years:.1f} years.",
        "20b": "Table 1.",
        "20c": "Same cohort: nothing to compare.",
        "22": "Table of the model, horizons, nomogram; the bundle holds the same numbers.",
        "23a": "Performance, with intervals. GAP in part: no subgroups are measured.",
        "26": " ".join([*(one.sentence for one in results.warnings), optimism]).strip(),
        "27a": "The predictor refuses what is missing, outside the range seen, or in another unit; it never imputes.",
        "27c": "Validation at the site (`oncorelay validate`), update (`oncorelay recalibrate`).",
    }


def probast(results: RunResults) -> tuple[Item, ...]:
    """Return the questions of PROBAST+AI with what the run has for each."""
    cohort, made = results.cohort, results.provenance
    steps = made.steps
    per = cohort.events / max(cohort.candidates, 1)
    refused = [str(h.years) for h in results.model.horizons if h.refused]
    gap = f"Selection outside minus inside cross-validation: {results.gap.gap:+.3f}." if results.gap else ""
    answers = {
        "1.1": "Simulated patients: not suitable for any claim about patients." if cohort.simulated else "",
        "2.3": "Laboratory values and treatment at one draw; the sampling time in the cohort is not in the run.",
        "3.1": f"One definition for all: {cohort.event}.",
        "3.3": (
            f"Median follow-up {cohort.median_follow_up_years:.1f} years; last event at {cohort.last_event_years:.1f}."
            + (f" Refused: {', '.join(refused)} years." if refused else "")
        ),
        "4.1": f"{cohort.events} events, {cohort.candidates} candidates: {per:.1f} per candidate (10 are wanted).",
        "4.3": "Flow of patients names everybody who left and why.",
        "4.4": "Inside each fold: " + "; ".join(s for s in steps if "miss" in s),
        "4.5": "Selection by three multivariable methods; no p value decides.",
        "4.6": (
            "Cox; cause-specific. Beside it Aalen-Johansen."
            if cohort.competing_event
            else "Cox; the cohort records no competing event."
        ),
        "4.7": "Both, at every horizon that is given.",
        "4.8": f"Whole pipeline in {made.folds} folds and {made.bootstraps} bootstraps. {gap}".strip(),
        "4.9": "By type: selectors, scalers, imputers and cuts are fitted on the rows of one fold only.",
    }
    return probast_of(results.provenance, answers)


def _use(results: RunResults) -> str:
    others = results.cohort.patients - results.model.n
    rest = f"{others} held out" if others else "nobody held out: judged by cross-validation and bootstrap"
    return f"{results.model.n} patients to learn from, {rest}."


def _action(results: RunResults) -> str:
    return results.decision[0].action if results.decision else "not stated"
