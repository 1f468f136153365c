"""The sentences of a slide: score, what it resembles, what it rests on. Never a claim of IHC or FISH."""

from __future__ import annotations

from collections.abc import Iterator

from services.results.ledger.findings import Finding
from shared.codes import local
from shared.domain.prediction import Prediction
from shared.domain.slide_answers import CropAnswer, QualityRow, SlideAnswer, SlideLevel
from shared.domain.slides import Cropping
from shared.pictures.gradient import FEW, gradient_rows

CONFIRM = "Predicted from H&E by AI: no IHC and no ISH was done. Confirm by IHC/ISH."
REFLEX = "Indeterminate on H&E: no level is stated. Advice: reflex IHC/ISH."
NO_LADDER = (
    "The levels are names of what a slide resembles, in no order of worth: a higher score is neither a higher HER2 "
    "status nor a better response."
)
NOT_DICOM = (
    "No DICOM objects go with this result: the slide came as a file. They are made for slides that come as DICOM, or "
    "that the site has converted to DICOM."
)
PATCH_PROBABILITY = "probability of the patch class 'tumour of a HER2-positive slide'"
GRIDS = {
    Cropping.PAPER: "adaptive patches (paper 003, Eq. 1)",
    Cropping.MICROMETRES: "patches of a fixed size in micrometres",
}
ARTEFACTS = {"tissue": "Tissue", "blur": "Out of focus", "pen": "Pen", "fold": "Folds"}


def about_slide(finding: Finding) -> bool:
    """Tell whether the question was about one whole-slide image."""
    return finding.study.slide is not None


def stated_level(answer: SlideAnswer) -> SlideLevel | None:
    """Return the level a reader may be told; None where the answer is indeterminate."""
    return None if answer.indeterminate else answer.level


def resembles(level: SlideLevel) -> str:
    """Return what a slide of this level resembles."""
    return local.LEVELS[level].display


def answers(prediction: Prediction, answer: SlideAnswer) -> Iterator[str]:
    """Return level or advice, score with interval, how often each level came, and what the levels are not."""
    yield level(answer)
    yield score(answer)
    yield shares(answer)
    yield patches(answer)
    yield NO_LADDER
    yield CONFIRM
    yield probability(prediction)


def level(answer: SlideAnswer) -> str:
    """Return what the slide resembles, or that no level is stated, why, and the advice."""
    stated = stated_level(answer)
    return f"Level: {resembles(stated)}." if stated else f"{REFLEX} {answer.indeterminate}"


def score(answer: SlideAnswer) -> str:
    """Return score and interval."""
    low_high = answer.score_interval
    said = (
        f" (95 % interval {number(low_high[0])} to {number(low_high[1])}, spatial block bootstrap)" if low_high else ""
    )
    return f"Score (TL-PA) = {number(answer.score)}{said}."


def shares(answer: SlideAnswer) -> str:
    """Return how often the bootstrap ended at each level."""
    rows = "; ".join(f"{resembles(row.level)}: {100 * row.share:.1f} %" for row in answer.levels)
    return f"Share of the bootstrap: {rows}." if rows else ""


def patches(answer: SlideAnswer) -> str:
    """Return how many patches it rests on."""
    row = answer.croppings[0]
    return (
        f"{row.tumour_patches} tumour patches of {row.patches} with tissue: {GRIDS[row.cropping]}, {row.side_px} px = "
        f"{row.side_um:.1f} um. Share above .33: {number(answer.area_share)}."
    )


def probability(prediction: Prediction) -> str:
    """Return both probabilities with what they are the probabilities of."""
    outcome = prediction.outcome
    return (
        f"P({outcome.display}) = {100 * prediction.probability:.1f} %; "
        f"P({outcome.complement_display}) = {100 * prediction.complement:.1f} %, estimated from the score alone."
    )


def model(prediction: Prediction) -> str:
    """Return which bundle answered, for what has no field for it."""
    return f"Model {prediction.bundle.bundle_id} {prediction.bundle.version}."


def sensitivity(answer: SlideAnswer) -> Iterator[str]:
    """Return what each grid gave that did not make the result; no level where the answer states none."""
    stated = stated_level(answer) is not None
    for row in answer.croppings[1:]:
        yield f"With {GRIDS[row.cropping]} ({row.side_px} px = {row.side_um:.1f} um): {_other(row, stated=stated)}"


def readings(answer: SlideAnswer) -> Iterator[str]:
    """Return how each ambiguous term of the paper was read."""
    return (f"{row.name}: {row.choice}. {row.text}".rstrip() for row in answer.terms)


def quality(answer: SlideAnswer) -> Iterator[str]:
    """Return what was looked at and found; "not found" and "not checked" are different sentences."""
    return (_quality(row) for row in answer.quality)


def stain(answer: SlideAnswer) -> str:
    """Return how the stain was fitted, and why otherwise than planned."""
    row = answer.stain
    fallback = f" The fit was not used: {row.fallback}" if row.fallback else ""
    return f"Stain normalised by {row.method}; angle between the stains {row.angle_degrees:.1f} degrees.{fallback}"


def exclusions(answer: SlideAnswer) -> Iterator[str]:
    """Return each region that was left out, by whom and why."""
    for row in answer.exclusions:
        yield f"A region of {len(row.outline)} corners was left out by {row.author}: {row.reason}"


def gradient(answer: SlideAnswer) -> str:
    """Return how the probability changes from the tumour's edge inwards."""
    if answer.gradient_slope is None:
        return ""
    return f"The patches' probability changes by {answer.gradient_slope:+.3f} per millimetre from the edge inwards."


def curve(answer: SlideAnswer) -> str:
    """Return the mean probability by distance from the tumour's edge; empty where the slide shows no edge."""
    if not answer.gradient:
        return ""
    return f"Mean {PATCH_PROBABILITY} by distance from the tumour's edge: {gradient_rows(answer.gradient)}"


def curve_notes(answer: SlideAnswer) -> Iterator[str]:
    """Return what must be read with the drawn curve: what it is of, what it leaves out, and what it is not."""
    yield (
        "Means over all patches with tissue within 3 mm of the edge between tumour and other tissue, as the network "
        f"judged both; hollow: fewer than {FEW} patches. No interval is drawn: neighbours are not independent."
    )
    yield (
        "The lines only join the means. The curve is of the network's probabilities on this one slide: no amount of "
        "HER2, and no level by place."
    )
    yield gradient(answer)
    yield NO_LADDER
    yield CONFIRM


def grades(answer: SlideAnswer) -> str:
    """Return how many patches have each grade of the paper; empty where none was counted."""
    rows = ", ".join(f"{row.grade}: {row.patches}" for row in answer.grades)
    return f"Patches above .33 by grade of their probability (I below .4, V from .7): {rows}." if rows else ""


def basis(answer: SlideAnswer) -> Iterator[str]:
    """Return everything the answer rests on, one sentence each."""
    yield from sensitivity(answer)
    yield from readings(answer)
    yield stain(answer)
    yield from quality(answer)
    yield f"Calibration of this scanner: {answer.calibration}."
    yield from exclusions(answer)
    yield grades(answer)
    yield gradient(answer)
    yield curve(answer)


def slide_lines(finding: Finding) -> Iterator[str]:
    """Return which glass it is, how it was read, and whether DICOM objects go with the result."""
    slide = finding.study.slide
    if slide is None:
        return
    glass = slide.specimen
    yield f"Accession {glass.accession}, specimen {glass.specimen}, block {glass.block}, slide {glass.slide}."
    size = f"{slide.width} x {slide.height} px"
    if slide.resolution:
        said = f", stated by {slide.resolution.stated_by}" if slide.resolution.stated_by else ""
        size += f", {slide.resolution.x:.4f} um per px ({slide.resolution.source}{said})"
    scanner = " ".join(part for part in (slide.scanner.manufacturer, slide.scanner.model) if part) or "unknown"
    yield f"{size}. Scanner: {scanner}. Read by {slide.read_by.reader}."
    if not finding.study.in_dicom:
        yield NOT_DICOM


def number(value: float) -> str:
    """Return a score for reading."""
    return f"{value:.4f}"


def _other(row: CropAnswer, *, stated: bool) -> str:
    counted = f"{row.tumour_patches} tumour patches of {row.patches}"
    if row.score is None or row.level is None:
        return f"not scorable, {counted}."
    level = f", {resembles(row.level)}" if stated else ""
    return f"score {number(row.score)}{level}; {counted}."


def _quality(row: QualityRow) -> str:
    name = ARTEFACTS.get(row.kind, row.kind)
    if not row.checked:
        return f"{name}: not checked. {row.text}".rstrip()
    if not row.area_mm2 and not row.patches:
        return f"{name}: none found. {row.text}".rstrip()
    found = f"{name}: {row.area_mm2:.2f} mm2, {100 * row.share:.1f} %"
    if row.kind != "tissue" and row.patches:
        found += f", on {row.patches} patches; without them {_without(row)}"
    return f"{found}. {row.text}".rstrip()


def _without(row: QualityRow) -> str:
    return "there is no score" if row.score_without is None else f"the score is {number(row.score_without)}"
