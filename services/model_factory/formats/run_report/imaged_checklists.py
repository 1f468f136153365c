"""TRIPOD+AI and PROBAST+AI of a run on images, filled from the run as in ``checklists``; gaps are its authors'."""

from __future__ import annotations

from services.model_factory.formats.run_report.checklists import Item, front, open_science
from services.model_factory.handlers.imaged.results import Arm, ImagedResults

_EVENT = "axillary pCR (axillary_pcr), yes or no, after neoadjuvant chemotherapy"


def imaged_tripod(results: ImagedResults) -> tuple[Item, ...]:
    """Return the items of TRIPOD+AI."""
    cohort, made = results.cohort, results.provenance
    return (*front(cohort, made), *_methods(results), *open_science(made), *_found(results))


def _methods(results: ImagedResults) -> tuple[Item, ...]:
    cohort, made, arm = results.cohort, results.provenance, results.arms[0]
    return (
        Item("7", "Preparation of the data", "; ".join(made.steps)),
        Item("8a", "Outcome and horizon", f"{_EVENT}; no horizon."),
        Item("8b", "Qualifications of those who assess a subjective outcome"),
        Item("8c", "Blinding of the assessment of the outcome"),
        Item("9a", "Choice of the initial predictors",
             f"ER, HER2 and T as published; {_measured(results)}; {_network(results)}."),
        Item("9b", "Definition of the predictors, how and when measured", _how_measured(results)),
        Item("9c", "Qualifications of those who assess subjective predictors",
             "GAP in part: who drew the regions is not in the run." if results.rad_score else ""),
        Item("10", "Sample size", f"{cohort.events} with the event, {cohort.patients - cohort.events} without; "
             "at most one radiomic feature for ten events."),
        Item("11", "Missing data", "; ".join(step for step in made.steps if "miss" in step)),
        Item("12a", "How the data were used", _use(results)),
        Item("12b", "Handling of the predictors", "; ".join(made.steps)),
        Item("12c", "Type of model, building steps, tuning, internal validation", "; ".join(arm.how)),
        Item("12d", "Heterogeneity between centres and other clusters"),
        Item("12e", "Measures of performance, with reasons",
             "AUC (DeLong), sensitivity and specificity at a frozen threshold, Brier, calibration, decision curves."),
        Item("12f", "Updating of the model", "None in this run."),
        Item("12g", "How predictions were computed for evaluation", "By every fold's own models, scores included."),
        Item("13", "Class imbalance", "No re-weighting and no re-sampling: the probability is that of the cohort."),
        Item("14", "Approaches to fairness"),
        Item("15", "What the model returns, and where thresholds come from",
             "P(axillary pCR) and its complement; thresholds by Youden's index on out-of-fold predictions of the "
             f"training patients. The action of the decision curves is: {_action(arm)}."),
        Item("16", "Differences between the data of development and evaluation",
             "Same cohort: this is internal validation only."),
        Item("17", "Ethics approval and consent",
             "None needed: the patients are simulated." if cohort.simulated else ""),
    )  # fmt: skip


def _found(results: ImagedResults) -> tuple[Item, ...]:
    return (
        Item("20a", "Flow of participants", "Flow of patients."),
        Item("20b", "Characteristics, with missing values", "Tables 1 and 2."),
        Item("20c", "Comparison of development and evaluation data",
             "Table of those learned from against those held out." if results.table_split
             else "Nobody was held out: nothing to compare."),
        Item("21", "Participants and events in each analysis", "n and events stand with every number of performance."),
        Item("22", "The whole model", "Coefficients, features of the rad-score, architecture; the bundles hold the "
             "same numbers and the graphs."),
        Item("23a", "Performance with intervals, also in key subgroups",
             "Performance, with intervals. GAP in part: no subgroups are measured."),
        Item("23b", "Heterogeneity between clusters"),
        Item("24", "Results of updating", "No update in this run."),
        Item("25", "Interpretation, also of fairness"),
        Item("26", "Limitations", " ".join(one.sentence for one in results.warnings)),
        Item("27a", "How unusable or missing input is handled in use",
             "Without usable images or region a variant that needs none answers and says so; nothing is imputed."),
        Item("27b", "Who uses it, and with what expertise"),
        Item("27c", "Next steps", "Validation at the site (`oncorelay validate`)."),
    )  # fmt: skip


def imaged_probast(results: ImagedResults) -> tuple[Item, ...]:
    """Return the questions of PROBAST+AI with what the run has for each."""
    cohort, made = results.cohort, results.provenance
    fewer = min(cohort.events, cohort.patients - cohort.events)
    return (
        Item("1.1", "Participants: was the source of the data suitable?",
             "Simulated patients: not suitable for any claim about patients." if cohort.simulated else ""),
        Item("1.2", "Were inclusions and exclusions suitable?"),
        Item("2.1", "Predictors: defined and measured alike for all?", _how_measured(results)),
        Item("2.2", "Assessed without knowledge of the outcome?"),
        Item("2.3", "Available when the model is to be used?",
             "Receptors, stage and images from before therapy; the cycles of chemotherapy are no predictor (P0-11)."),
        Item("3.1", "Outcome: suitable, pre-specified and alike for all?", f"One definition for all: {_EVENT}."),
        Item("3.2", "Predictors no part of the outcome?", "None is measured after therapy began."),
        Item("3.3", "Suitable time between predictors and outcome?"),
        Item("4.1", "Analysis: enough participants with the outcome?",
             f"{fewer} in the smaller class for {len(results.models[-1].columns)} columns of the richest model."),
        Item("4.2", "Continuous predictors handled well?", "; ".join(made.steps)),
        Item("4.3", "All enrolled participants analysed?", "Flow of patients names everybody who left and why."),
        Item("4.4", "Missing data handled well?", "; ".join(step for step in made.steps if "miss" in step)),
        Item("4.5", "No selection by univariable p?",
             "The screening of radiomic features begins with one (as the paper's); L1 decides after it."
             if results.rad_score else "Nothing is selected."),
        Item("4.6", "Censoring and competing events accounted for?",
             "Yes or no: nothing is censored. Disease-free survival beside it: Kaplan-Meier and Cox, M1 left out."),
        Item("4.7", "Calibration and discrimination both judged?", "Both."),
        Item("4.8", "Overfitting and optimism accounted for?",
             "Screening, rad-score and network are made anew in every fold under `corrected`; the difference to the "
             "published way stands beside it."),
        Item("4.9", "No information from those judged on leaks into what is learned?",
             "By type: every step is fitted on the rows of one fold only, and what it learned says of whom."),
        Item("A", "Applicability to the population of the site"),
        Item("J", "Judgement of the risk of bias, by people"),
    )  # fmt: skip


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
