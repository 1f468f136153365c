"""Answer about a slide: read it and have it judged, or aggregate what was judged before without a network."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import structlog

from services.inference.handlers.measure_slide import Progress, measure
from services.inference.ports import Answer, Measured, Models, Slides, SlideStore
from shared.domain.case import Claim
from shared.domain.errors import PermanentError, UnavailableError
from shared.domain.images import Artefact
from shared.domain.prediction import NotAnalysed, Prediction
from shared.domain.slides import PinnedSlide
from shared.pathology.trouble import SlideProblem, SlideTrouble, SlideTroubleError
from shared.predictors.contract import SlidePredictor
from shared.predictors.her2.gate import too_coarse
from shared.predictors.models import Model, SlideModel

log = structlog.get_logger("oncorelay.inference")

_MEANWHILE = (SlideProblem.CHANGED, SlideProblem.GONE)
"""What says nothing about the slide that was pinned: another attempt, or its submission anew, settles it."""
_TOLD_EVERY = 0.1
"""Share of the patches between two lines in the log."""


@dataclass(frozen=True, slots=True)
class AnswerSlides:
    """Answer one claim of a predictor that is asked about slides."""

    models: Models
    slides: Slides
    store: SlideStore
    alone: Callable[[], AbstractContextManager[None]]
    """Holds back every other slide, and study, of this worker: two at once would not fit into its memory."""
    let_go: Callable[[], None]
    """Called at the end of a slide's turn: what the next one's child will need the memory for."""

    def __call__(self, claim: Claim, predictor: SlidePredictor) -> Answer:
        """Return the answer with what is stored beside it; or, where no bundle can be opened, why.

        Raises:
            TemporaryError: If slide, disk or children cannot be had now, or the slide changed while it was read.
            PermanentError: If a file lies where no slide may, or the bundle is refused.
        """
        slide = claim.pins.slide
        if slide is None:
            return "the case pins no slide"
        again = self._again(claim, predictor, slide) if slide.patches else None
        if again is not None:
            return again
        with self.alone():
            try:
                return self._read(claim, predictor, slide)
            finally:
                self.let_go()

    def _again(self, claim: Claim, predictor: SlidePredictor, slide: PinnedSlide) -> Prediction | NotAnalysed | None:
        """Return the answer from stored patches; None where they cannot be had: then the slide is read."""
        try:
            measured = self.store.read(slide.patches)
        except PermanentError as error:
            log.warning("patches_gone", case_id=claim.case_id, error=type(error).__name__)
            return None
        answer = predictor.answer_slide(claim.pins, self._model(claim), measured)
        return _with(answer, slide.patches)

    def _read(self, claim: Claim, predictor: SlidePredictor, slide: PinnedSlide) -> Answer:
        model = self._model(claim)
        if not isinstance(model, SlideModel) or model.slides is None:
            return f"the bundle {claim.pins.bundle_id} judges no slides"
        found = too_coarse(slide.slide, model.slides) or self._measured(claim, slide, model)
        if isinstance(found, SlideTrouble):
            if found.problem in _MEANWHILE:
                raise UnavailableError(found.text.rstrip("."))
            return predictor.answer_slide(claim.pins, model, found)
        answer = predictor.answer_slide(claim.pins, model, found.slide)
        return _with(answer, self.store.put(claim.case_id, found) if isinstance(answer, Prediction) else ())

    def _measured(self, claim: Claim, slide: PinnedSlide, model: SlideModel) -> Measured | SlideTrouble:
        try:
            with self.slides.opened(claim.pins) as session:
                return measure(session, slide, model, _telling(claim.case_id))
        except SlideTroubleError as error:
            return error.trouble

    def _model(self, claim: Claim) -> Model:
        return self.models.open(claim.pins.bundle_id, claim.pins.bundle_digest)


def _with(answer: Prediction | NotAnalysed, kept: tuple[Artefact, ...]) -> Prediction | NotAnalysed:
    return replace(answer, artefacts=kept) if isinstance(answer, Prediction) else answer


def _telling(case_id: str) -> Progress:
    """Return what writes into the log how far the slide is, ten times at most."""
    told = 0.0

    def tell(share: float) -> None:
        nonlocal told
        if share >= told + _TOLD_EVERY or (share >= 1.0 > told):
            told = share
            log.info("slide_progress", case_id=case_id, judged=round(share, 2))

    return tell
