"""TRIPOD+AI and PROBAST+AI of a run on slides, filled from the run as in ``checklists``; gaps are its authors'."""

from __future__ import annotations

from services.model_factory.formats.run_report.checklists import Item, front, open_science
from services.model_factory.handlers.slides.results import SlidesResults

_EVENT = "HER2-positive by IHC/ISH (her2_positive), yes or no"


def slides_tripod(results: SlidesResults) -> tuple[Item, ...]:
    """Return the items of TRIPOD+AI."""
    cohort, made = results.cohort, results.provenance
    return (*front(cohort, made), *_methods(results), *open_science(made), *_found(results))


def _methods(results: SlidesResults) -> tuple[Item, ...]:
    cohort, made, network = results.cohort, results.provenance, results.network
    folds = f"{made.folds} folds by patient" if made.preset == "corrected" else "one split by patient, 80 % and 20 %"
    return (
        Item("7", "Preparation of the data", "; ".join(made.steps)),
        Item("8a", "Outcome and horizon", f"{_EVENT}; no horizon."),
        Item("8b", "Qualifications of those who assess a subjective outcome"),
        Item("8c", "Blinding of the assessment of the outcome"),
        Item("9a", "Choice of the initial predictors", "None is chosen: the pixels of annotated patches."),
        Item("9b", "Definition of the predictors, how and when measured",
             f"Patches of {results.cut.side_um:g} micrometres, stains brought to one reference."),
        Item("9c", "Qualifications of those who assess subjective predictors",
             "GAP in part: who annotated the tumour is not in the run."),
        Item("10", "Sample size", f"{cohort.events} positive slides, {cohort.patients - cohort.events} negative."),
        Item("11", "Missing data", "; ".join(step for step in made.steps if "filled" in step or "no score" in step)),
        Item("12a", "How the data were used", f"{folds}; the kept network from {results.fits[-1].slides} slides."),
        Item("12b", "Handling of the predictors", "; ".join(made.steps)),
        Item("12c", "Type of model, building steps, tuning, internal validation",
             f"{network.architecture}, three classes; TL-PA (paper 003, Eq. 2-6); Platt on scores of unseen slides; "
             "nothing was tuned."),
        Item("12d", "Heterogeneity between centres and other clusters", "AUC and correlation per site."),
        Item("12e", "Measures of performance, with reasons",
             "AUC (DeLong, or resampled patients), sensitivity and specificity at the paper's cut, Brier, calibration, "
             "Spearman, Dunn, five by five."),
        Item("12f", "Updating of the model", "None in this run; `oncorelay calibrate her2` shifts a scanner."),
        Item("12g", "How predictions were computed for evaluation", "By the network that has not seen them."),
        Item("13", "Class imbalance", "Weights of the patch classes by the preset; the slide's probability is not."),
        Item("14", "Approaches to fairness"),
        Item("15", "What the model returns, and where thresholds come from",
             "A score, five names of levels cut as in paper 003, and P(her2_positive)."),
        Item("16", "Differences between the data of development and evaluation",
             "Same cohort, unless slides of other sites are judged as held out."),
        Item("17", "Ethics approval and consent", "None needed: simulated." if cohort.simulated else ""),
    )  # fmt: skip


def _found(results: SlidesResults) -> tuple[Item, ...]:
    return (
        Item("20a", "Flow of participants", "Flow of slides."),
        Item("20b", "Characteristics, with missing values", "Table of the slides: scanners, sites, levels."),
        Item("20c", "Comparison of development and evaluation data", "Table of the slides, per site."),
        Item("21", "Participants and events in each analysis", "n and events stand with every number of performance."),
        Item("22", "The whole model", "Probability, cuts, architecture; the bundle holds the graph."),
        Item("23a", "Performance with intervals, also in key subgroups",
             "Performance per site, with intervals. GAP in part: no subgroups of patients."),
        Item("23b", "Heterogeneity between clusters", "Per site."),
        Item("24", "Results of updating", "No update in this run."),
        Item("25", "Interpretation, also of fairness"),
        Item("26", "Limitations", " ".join(one.sentence for one in results.warnings)),
        Item("27a", "How unusable or missing input is handled in use",
             "A slide that fails the gate, or has no tumour patch, is not analysed, with a reason; never 0."),
        Item("27b", "Who uses it, and with what expertise"),
        Item("27c", "Next steps", "Validation at the site (`oncorelay validate`), a record per scanner."),
    )  # fmt: skip


def slides_probast(results: SlidesResults) -> tuple[Item, ...]:
    """Return the questions of PROBAST+AI with what the run has for each."""
    cohort, made = results.cohort, results.provenance
    fewer = min(cohort.events, cohort.patients - cohort.events)
    return (
        Item("1.1", "Participants: was the source of the data suitable?",
             "Simulated slides: not suitable for any claim about patients." if cohort.simulated else ""),
        Item("1.2", "Were inclusions and exclusions suitable?"),
        Item("2.1", "Predictors: defined and measured alike for all?", "One preparation for training and serving."),
        Item("2.2", "Assessed without knowledge of the outcome?"),
        Item("2.3", "Available when the model is to be used?", "The slide is; the annotation is not needed then."),
        Item("3.1", "Outcome: suitable, pre-specified and alike for all?", f"One definition for all: {_EVENT}."),
        Item("3.2", "Predictors no part of the outcome?", "The stain of the slide is not that of IHC or FISH."),
        Item("3.3", "Suitable time between predictors and outcome?"),
        Item("4.1", "Analysis: enough participants with the outcome?", f"{fewer} slides of the smaller class."),
        Item("4.2", "Continuous predictors handled well?", "; ".join(made.steps)),
        Item("4.3", "All enrolled participants analysed?", "Flow of slides names all that left and why."),
        Item("4.4", "Missing data handled well?", "Nothing is filled in; a slide without score is counted."),
        Item("4.5", "No selection by univariable p?", "Nothing is selected."),
        Item("4.6", "Censoring and competing events accounted for?", "Yes or no: nothing is censored."),
        Item("4.7", "Calibration and discrimination both judged?", "Both."),
        Item("4.8", "Overfitting and optimism accounted for?", "Every judged slide is unseen by network and curve."),
        Item("4.9", "No information from those judged on leaks into what is learned?",
             "Whole patients on one side; stains fitted per slide to a fixed reference."),
        Item("A", "Applicability to the population of the site"),
        Item("J", "Judgement of the risk of bias, by people"),
    )  # fmt: skip
