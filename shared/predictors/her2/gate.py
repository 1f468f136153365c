"""Which slides the model was made for: what order and file say against it, and what nobody says."""

from __future__ import annotations

from collections.abc import Mapping

from shared.domain.case import PinnedInput
from shared.domain.facts import FactName, PatientFacts
from shared.domain.prediction import NotAnalysedReason
from shared.domain.slides import Scanner, Slide
from shared.domain.study import Study
from shared.pathology.trouble import SlideProblem, SlideTrouble
from shared.predictors.contract import Ready
from shared.predictors.her2.scale import VARIANT
from shared.predictors.readings import Refusal
from shared.predictors.slides import SlideContract

REASONS: Mapping[SlideProblem, NotAnalysedReason] = {
    SlideProblem.RESOLUTION_UNKNOWN: NotAnalysedReason.RESOLUTION_UNKNOWN,
    SlideProblem.RESOLUTION_IMPLAUSIBLE: NotAnalysedReason.RESOLUTION_IMPLAUSIBLE,
    SlideProblem.RESOLUTION_TOO_LOW: NotAnalysedReason.RESOLUTION_TOO_LOW,
    SlideProblem.NO_TISSUE: NotAnalysedReason.NO_TISSUE,
    SlideProblem.TOO_LITTLE_TISSUE: NotAnalysedReason.NO_TISSUE,
}
"""What is wrong with a slide -> why it is not analysed; everything else: it cannot be read."""

_STAIN_UNKNOWN = "the order does not say which stain: that it is H&E was not checked"
_TISSUE_UNKNOWN = "the order does not say which tissue: that it is breast and no lymph node was not checked"
_THERAPY_UNKNOWN = "the order does not say whether the specimen was taken after therapy began"


def pass_gate(study: Study, facts: PatientFacts) -> Ready:
    """Return what will be pinned, with what could not be known.

    Raises:
        Refusal: Refused at the metadata gate; another stain; a lymph node or another organ; taken after therapy began.
    """
    slide = study.slide
    if slide is None:
        raise Refusal(NotAnalysedReason.UNREADABLE_SLIDE, "the case holds no slide")
    if slide.refused:
        raise Refusal(NotAnalysedReason(slide.refused), slide.refused_text)
    if slide.resolution is None:
        raise Refusal(NotAnalysedReason.RESOLUTION_UNKNOWN, "nobody says how many micrometres a pixel is wide")
    _refuse_specimen(slide)
    return Ready(VARIANT, _inputs(slide), (), study.side, _notes(slide, facts))


def too_coarse(slide: Slide, contract: SlideContract) -> SlideTrouble | None:
    """Return why the slide shows too little for this bundle; None where it shows enough."""
    at = slide.resolution
    if at is None or max(at.x, at.y) <= contract.coarsest_um:
        return None
    text = f"A pixel is {max(at.x, at.y):.3g} micrometres wide; the model needs {contract.coarsest_um:g} or less."
    return SlideTrouble(SlideProblem.RESOLUTION_TOO_LOW, text, "scan the slide with a stronger objective")


def named(scanner: Scanner) -> str:
    """Return the scanner as contracts and calibration records name it; empty where the file does not say."""
    return f"{scanner.manufacturer} {scanner.model}".strip()


def _refuse_specimen(slide: Slide) -> None:
    if slide.stain not in {"", "he"}:
        raise Refusal(NotAnalysedReason.NOT_HE, f"the order says stain {slide.stain}; the model was made for H&E")
    if slide.tissue == "lymph_node":
        raise Refusal(NotAnalysedReason.LYMPH_NODE, "the order says lymph node; the model was made for the breast")
    if slide.tissue not in {"", "breast"}:
        raise Refusal(NotAnalysedReason.UNUSABLE_INPUT, "the order says another tissue than breast")
    if slide.after_therapy:
        text = (
            "the order says that the specimen was taken after therapy began; the model was made for untreated tumours"
        )
        raise Refusal(NotAnalysedReason.AFTER_THERAPY, text)


def _inputs(slide: Slide) -> tuple[PinnedInput, ...]:
    at = slide.resolution
    um = f"{at.x:.4g} x {at.y:.4g} ({at.source}{f', {at.stated_by}' if at.stated_by else ''})" if at else ""
    rows = (
        ("stain", slide.stain or "not stated"),
        ("tissue", slide.tissue or "not stated"),
        ("microns_per_pixel", um),
        ("scanner", named(slide.scanner) or "not stated"),
        ("colour", slide.colour or "as stored"),
    )
    return tuple(PinnedInput(name, value, ()) for name, value in rows)


def _notes(slide: Slide, facts: PatientFacts) -> tuple[str, ...]:
    therapy = _THERAPY_UNKNOWN + _on_record(facts)
    unknown = ((slide.stain, _STAIN_UNKNOWN), (slide.tissue, _TISSUE_UNKNOWN))
    said = tuple(text for known, text in unknown if not known)
    return said + ((therapy,) if slide.after_therapy is None else ())


def _on_record(facts: PatientFacts) -> str:
    first = min((fact.effective_date for fact in facts.named(FactName.THERAPY)), default=None)
    return f"; the first therapy on record began on {first.isoformat()}" if first else ""
