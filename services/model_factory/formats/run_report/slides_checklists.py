"""TRIPOD+AI and PROBAST+AI of a run on slides, filled from the run; gaps are its authors'."""

from __future__ import annotations

from services.model_factory.formats.run_report.checklists import Answers, Item, probast_of, tripod_of
from services.model_factory.handlers.slides.results import SlidesResults

_EVENT = "HER2-positive by IHC/ISH (her2_positive), yes or no"


def slides_tripod(results: SlidesResults) -> tuple[Item, ...]:
    """Return the items of TRIPOD+AI."""
    return tripod_of(results.cohort, results.provenance, {**_methods(results), **_found(results)})


def _methods(results: SlidesResults) -> Answers:
    cohort, made, network = results.cohort, results.provenance, results.network
    folds = f"{made.folds} folds by patient" if made.preset == "corrected" else "one split by patient, 80 % and 20 %"
    return {
        "8a": f"{_EVENT}; no horizon.",
        "9a": "None is chosen: the pixels of annotated patches.",
        "9b": f"Patches of {results.cut.side_um:g} micrometres, stains brought to one reference.",
        "9c": "GAP in part: who annotated the tumour is not in the run.",
        "10": f"{cohort.events} positive slides, {cohort.patients - cohort.events} negative.",
        "11": "; ".join(step for step in made.steps if "filled" in step or "no score" in step),
        "12a": f"{folds}; the kept network from {results.fits[-1].slides} slides.",
        "12c": (
            f"{network.architecture}, three classes; TL-PA (paper 003, Eq. 2-6); Platt on scores of unseen slides; "
            "nothing was tuned."
        ),
        "12d": "AUC and correlation per site.",
        "12e": (
            "AUC (DeLong, or resampled patients), sensitivity and specificity at the paper's cut, Brier, calibration, "
            "Spearman, Dunn, five by five."
        ),
        "12f": "None in this run; `oncorelay calibrate her2` shifts a scanner.",
        "12g": "By the network that has not seen them.",
        "13": "Weights of the patch classes by the preset; the slide's probability is not.",
        "15": "A score, five names of levels cut as in paper 003, and P(her2_positive).",
        "16": "Same cohort, unless slides of other sites are judged as held out.",
        "17": "None needed: simulated." if cohort.simulated else "",
    }


def _found(results: SlidesResults) -> Answers:
    return {
        "20a": "Flow of slides.",
        "20b": "Table of the slides: scanners, sites, levels.",
        "20c": "Table of the slides, per site.",
        "22": "Probability, cuts, architecture; the bundle holds the graph.",
        "23a": "Performance per site, with intervals. GAP in part: no subgroups of patients.",
        "23b": "Per site.",
        "26": " ".join(one.sentence for one in results.warnings),
        "27a": "A slide that fails the gate, or has no tumour patch, is not analysed, with a reason; never 0.",
        "27c": "Validation at the site (`oncorelay validate`), a record per scanner.",
    }


def slides_probast(results: SlidesResults) -> tuple[Item, ...]:
    """Return the questions of PROBAST+AI with what the run has for each."""
    cohort = results.cohort
    fewer = min(cohort.events, cohort.patients - cohort.events)
    answers = {
        "1.1": "Simulated slides: not suitable for any claim about patients." if cohort.simulated else "",
        "2.1": "One preparation for training and serving.",
        "2.3": "The slide is; the annotation is not needed then.",
        "3.1": f"One definition for all: {_EVENT}.",
        "3.2": "The stain of the slide is not that of IHC or FISH.",
        "4.1": f"{fewer} slides of the smaller class.",
        "4.3": "Flow of slides names all that left and why.",
        "4.4": "Nothing is filled in; a slide without score is counted.",
        "4.5": "Nothing is selected.",
        "4.6": "Yes or no: nothing is censored.",
        "4.7": "Both.",
        "4.8": "Every judged slide is unseen by network and curve.",
        "4.9": "Whole patients on one side; stains fitted per slide to a fixed reference.",
    }
    return probast_of(results.provenance, answers)
