"""LN-pCR as the registry sees it."""

from __future__ import annotations

from collections.abc import Mapping

from shared.domain.case import Pins
from shared.domain.errors import InvalidInputError
from shared.domain.facts import PatientFacts
from shared.domain.prediction import NotAnalysed, NotAnalysedReason, Prediction, UsedInput
from shared.domain.study import Study
from shared.imaging.dynamic import ImageTrouble
from shared.imaging.region import BreastImages
from shared.predictors.contract import ImageAnswer, RadiomicsEngine, Ready, Waiting, used_inputs
from shared.predictors.ln_pcr.answers import predict
from shared.predictors.ln_pcr.assessment import assess
from shared.predictors.ln_pcr.clinical import LEVELS, NAME, checked
from shared.predictors.ln_pcr.variants import IMAGE_VARIANTS
from shared.predictors.models import ImageModel, Model
from shared.predictors.readings import Refusal

_OURS = frozenset({"", "BREAST", "UNKNOWN"})
"""Body Part Examined (0018,0015) this predictor asks about; modalities often leave it out."""

# Objects of modality MR that hold no image: MR Spectroscopy and Raw Data (PS3.4 table B.5-1).
_NO_IMAGE = frozenset({"1.2.840.10008.5.1.4.1.1.4.2", "1.2.840.10008.5.1.4.1.1.66"})

_BY_HAND = "entered by hand: whether the model applies to this patient was not checked"


class LnPcr:
    """P(axillary pCR) after neoadjuvant chemotherapy (paper 000): Clinical, Clinical-Radiomics, Clinical-DLR."""

    name = NAME
    takes = "study"
    levels: Mapping[str, tuple[str, ...]] = LEVELS
    image_variants = IMAGE_VARIANTS

    def not_applicable(self, study: Study) -> str:
        """Return why this study is none of its business; empty for breast MR (or MR of an unnamed body part)."""
        if not any(one.modality == "MR" and one.sop_class_uid not in _NO_IMAGE for one in study.instances):
            return "no MR images"
        # Where a study's images name several body parts, the listener joins them with a backslash.
        named = {part.strip().upper() for part in study.body_part.split("\\")}
        if not named & _OURS:
            return f"MR of another body part ({', '.join(sorted(named))[:48]})"
        return ""

    def assess(self, study: Study, facts: PatientFacts) -> Ready | Waiting | NotAnalysed:
        """Tell whether the inputs suffice, what is missing, or why the question cannot be answered."""
        try:
            return assess(study, facts)
        except Refusal as refusal:
            return NotAnalysed(NAME, refusal.reason, refusal.text)

    def answer(self, pins: Pins, model: Model) -> Prediction | NotAnalysed:
        """Answer from pinned inputs only."""
        try:
            levels = checked({pinned.name: pinned.value for pinned in pins.inputs})
        except InvalidInputError as error:
            return NotAnalysed(NAME, NotAnalysedReason.UNUSABLE_INPUT, str(error))
        return predict(levels, used_inputs(pins.inputs, pins.facts), pins.notes, model)

    def answer_images(
        self,
        pins: Pins,
        models: Mapping[str, Model],
        images: BreastImages | ImageTrouble,
        engine: RadiomicsEngine | None,
    ) -> ImageAnswer:
        """Answer with the richest variant that can; what images allow no more than that is said."""
        try:
            levels = checked({pinned.name: pinned.value for pinned in pins.inputs})
        except InvalidInputError as error:
            return ImageAnswer(NotAnalysed(NAME, NotAnalysedReason.UNUSABLE_INPUT, str(error)))
        from shared.predictors.ln_pcr.images import answer_images  # SciPy: only who measures images loads it

        return answer_images(levels, pins, models, images, engine)

    def answer_levels(self, levels: Mapping[str, str], model: Model) -> Prediction:
        """Answer from levels a person typed.

        Raises:
            InvalidInputError: If an input is missing, unknown, or not one of its levels; names what is allowed. If
                the bundle's variant measures images.
        """
        if isinstance(model, ImageModel) and model.imaging is not None:
            reason = "measures images, which nobody can type: ask a bundle of the clinical variant"
            raise InvalidInputError("bundle", reason)
        row = checked(levels)
        return predict(row, tuple(UsedInput(name, value) for name, value in row.items()), (_BY_HAND,), model)
