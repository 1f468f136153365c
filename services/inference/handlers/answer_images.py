"""Answer from images: open every variant's bundle, read the study, ask the predictor, keep what it drew."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import structlog

from services.inference.ports import Answer, Artefacts, Images, Models
from shared.domain.case import Claim
from shared.domain.errors import PermanentError
from shared.domain.images import ArtefactKind, RegionProposed
from shared.domain.prediction import Prediction
from shared.imaging.artefacts import encode_heatmap, encode_region
from shared.imaging.dynamic import ImageProblem, ImageTrouble
from shared.imaging.region import BreastImages
from shared.predictors.contract import ImageAnswer, ImagePredictor, RadiomicsEngine
from shared.predictors.models import Model

log = structlog.get_logger("oncorelay.inference")

_NOT_NEEDED = ImageTrouble(ImageProblem.NO_IMAGES, "No bundle that could be opened measures images.")


@dataclass(frozen=True, slots=True)
class AnswerImages:
    """Answer one claim of a predictor some of whose variants measure images."""

    models: Models
    images: Images
    artefacts: Artefacts
    engine: Callable[[], RadiomicsEngine | None]
    """None where radiomics is not installed."""
    alone: Callable[[], AbstractContextManager[None]]
    """Holds back every other study of this worker: two at once would not fit into its memory."""
    let_go: Callable[[], None]
    """Called at the end of a study's turn: what the next one's child will need the memory for."""

    def __call__(self, claim: Claim, predictor: ImagePredictor) -> Answer:
        """Return the answer with what is stored beside it; or, where no bundle can be opened, why.

        Raises:
            TemporaryError: If images or disk cannot be reached now.
            PermanentError: If a pinned image is gone, or the reader broke.
        """
        if not predictor.image_variants & {one.variant for one in claim.pins.bundles}:
            return self._asked(claim, predictor)
        with self.alone():
            try:
                return self._asked(claim, predictor)
            finally:
                self.let_go()

    def _asked(self, claim: Claim, predictor: ImagePredictor) -> Answer:
        models, refused = self._opened(claim)
        if not models:
            return refused
        measures = bool(predictor.image_variants & set(models))
        images: BreastImages | ImageTrouble = self.images.read(claim.pins) if measures else _NOT_NEEDED
        engine = self.engine() if measures else None
        return self._stored(claim.case_id, predictor.answer_images(claim.pins, models, images, engine))

    def _opened(self, claim: Claim) -> tuple[dict[str, Model], str]:
        """Return the models by variant, and why the first that is not there was refused."""
        models, refused = {}, ""
        for one in claim.pins.bundles:
            try:
                models[one.variant] = self.models.open(one.bundle.bundle_id, one.bundle.digest)
            except PermanentError as error:
                log.warning("bundle_refused", case_id=claim.case_id, bundle_id=one.bundle.bundle_id)
                refused = refused or str(error)
        return models, refused

    def _stored(self, case_id: str, found: ImageAnswer) -> Answer:
        answer, region, heatmap = found.answer, found.region, found.heatmap
        if isinstance(answer, RegionProposed) and region is not None:
            return replace(answer, artefact=self.artefacts.put(case_id, ArtefactKind.REGION, encode_region(region)))
        if not isinstance(answer, Prediction):
            return answer
        drawn = []
        if region is not None:
            drawn.append(self.artefacts.put(case_id, ArtefactKind.REGION, encode_region(region)))
        if heatmap is not None:
            drawn.append(self.artefacts.put(case_id, ArtefactKind.HEATMAP, encode_heatmap(heatmap)))
        return replace(answer, artefacts=tuple(drawn))
