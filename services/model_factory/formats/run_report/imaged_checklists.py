"""TRIPOD+AI and PROBAST+AI of a run on images, filled from the run; gaps are its authors'."""

from __future__ import annotations

from services.model_factory.formats.run_report.checklists import Answers, Item, probast_of, tripod_of
from services.model_factory.handlers.imaged.results import Arm, ImagedResults

_EVENT = "axillary pCR (axillary_pcr), yes or no, after neoadjuvant chemotherapy"


def imaged_tripod(results: ImagedResults) -> tuple[Item, ...]:
    """Return the items of TRIPOD+AI."""
    return tripod_of(results.cohort, results.provenance, {**_methods(results), **_found(results)})


def _methods(results: ImagedResults) -> Answers:
    cohort, made, arm = results.cohort, results.provenance, results.arms[0]
    return {
        "8a": f"{_EVENT}; no horizon.",
        "9a": f"ER, HER2 and T as published; {_measured(results)}; {_network(results)}.",
        "9b": _how_measured(results),
        "9c": "GAP in part: who drew the regions is not in the run." if results.rad_score else "",
        "10": (
            f"{cohort.events} with the event, {cohort.patients - cohort.events} without; "
            "at most one radiomic feature for ten events."
        ),
        "11": "; ".join(step for step in made.steps if "miss" in step),
        "12a": _use(results),
        "12c": "; ".join(arm.how),
        "12e": "AUC (DeLong), sensitivity and specificity at a frozen threshold, Brier, calibration, decision curves.",
        "12f": "None in this run.",
        "12g": "By every fold's own models, scores included.",
        "13": "No re-weighting and no re-sampling: the probability is that of the cohort.",
        "15": (
            "P(axillary pCR) and its complement; thresholds by Youden's index on out-of-fold predictions of the "
            f"training patients. The action of the decision curves is: {_action(arm)}."
        ),
        "16": "Same cohort: this is internal validation only.",
        "17": "None needed: the patients are simulated." if cohort.simulated else "",
    }


def _found(results: ImagedResults) -> Answers:
    return {
        "20a": "Flow of patients.",
        "20b": "Tables 1 and 2.",
        "20c": (
            "Table of those learned from against those held out."
            if results.table_split
            else "Nobody was held out: nothing to compare."
        ),
        "22": (
            "Coefficients, features of the rad-score, architecture; the bundles hold the same numbers and the graphs."
        ),
        "23a": "Performance, with intervals. GAP in part: no subgroups are measured.",
        "26": " ".join(one.sentence for one in results.warnings),
        "27a": "Without usable images or region a variant that needs none answers and says so; nothing is imputed.",
        "27c": "Validation at the site (`oncorelay validate`).",
    }


def imaged_probast(results: ImagedResults) -> tuple[Item, ...]:
    """Return the questions of PROBAST+AI with what the run has for each."""
    cohort, made = results.cohort, results.provenance
    fewer = min(cohort.events, cohort.patients - cohort.events)
    answers = {
        "1.1": "Simulated patients: not suitable for any claim about patients." if cohort.simulated else "",
        "2.1": _how_measured(results),
        "2.3": "Receptors, stage and images from before therapy; the cycles of chemotherapy are no predictor (P0-11).",
        "3.1": f"One definition for all: {_EVENT}.",
        "3.2": "None is measured after therapy began.",
        "4.1": f"{fewer} in the smaller class for {len(results.models[-1].columns)} columns of the richest model.",
        "4.3": "Flow of patients names everybody who left and why.",
        "4.4": "; ".join(step for step in made.steps if "miss" in step),
        "4.5": (
            "The screening of radiomic features begins with one (as the paper's); L1 decides after it."
            if results.rad_score
            else "Nothing is selected."
        ),
        "4.6": "Yes or no: nothing is censored. Disease-free survival beside it: Kaplan-Meier and Cox, M1 left out.",
        "4.7": "Both.",
        "4.8": (
            "Screening, rad-score and network are made anew in every fold under `corrected`; the difference to the "
            "published way stands beside it."
        ),
        "4.9": "By type: every step is fitted on the rows of one fold only, and what it learned says of whom.",
    }
    return probast_of(results.provenance, answers)


def _measured(results: ImagedResults) -> str:
    score = results.rad_score
    return f"{score.measured} radiomic features, screened within each fold" if score else "no radiomic features"


def _network(results: ImagedResults) -> str:
    network = results.network
    return f"one probability of {network.architecture}" if network else "no network"


def _how_measured(results: ImagedResults) -> str:
    score = results.rad_score
    if score is None:
        return "Levels and units in table 1."
    return (
        f"Levels in table 1; {score.engine}, preset {score.settings.preset}, settings sha256 {score.settings_sha256}."
    )


def _use(results: ImagedResults) -> str:
    learned = results.cohort.patients - results.held_out
    rest = f"{results.held_out} held out" if results.held_out else "nobody held out: judged by cross-validation"
    return f"{learned} patients to learn from, {rest}."


def _action(arm: Arm) -> str:
    return arm.decision[0].action if arm.decision else "not stated"
