"""her2 as the registry sees it."""

from __future__ import annotations

from shared.domain.case import Pins
from shared.domain.facts import PatientFacts
from shared.domain.prediction import NotAnalysed, NotAnalysedReason, Prediction
from shared.domain.study import Study
from shared.pathology.trouble import SlideTrouble
from shared.predictors.contract import Ready, SlideMeasured, Waiting
from shared.predictors.her2.gate import REASONS, pass_gate
from shared.predictors.her2.scale import NAME
from shared.predictors.models import Model
from shared.predictors.readings import Refusal


class Her2:
    """HER2 level and P(HER2-positive) predicted from an H&E slide by TL-PA (paper 003)."""

    name = NAME
    takes = "slide"

    def not_applicable(self, study: Study) -> str:
        """Return why this is none of its business; empty for a slide, whatever is on it."""
        return "" if study.slide else "no whole-slide image"

    def assess(self, study: Study, facts: PatientFacts) -> Ready | Waiting | NotAnalysed:
        """Tell whether the slide can be asked about: what its gate, its order and the facts say."""
        try:
            return pass_gate(study, facts)
        except Refusal as refusal:
            return NotAnalysed(NAME, refusal.reason, refusal.text)

    def answer_slide(
        self, pins: Pins, model: Model, measured: SlideMeasured | SlideTrouble
    ) -> Prediction | NotAnalysed:
        """Aggregate, with intervals, exclusions and every reading; repeats in milliseconds, never runs a network.

        Raises:
            InvalidInputError: If no slide was pinned, or ``model`` is no bundle for slides.
        """
        from shared.predictors.her2.answers import answered, asked  # NumPy: only who scores slides loads it

        question = asked(pins, model)
        if isinstance(measured, SlideTrouble):
            remedy = f" {measured.remedy}" if measured.remedy else ""
            reason = REASONS.get(measured.problem, NotAnalysedReason.UNREADABLE_SLIDE)
            return question.refused(reason, f"{measured.text}{remedy}")
        return answered(question, measured)
