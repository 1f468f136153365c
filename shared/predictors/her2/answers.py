"""From what the network said of a slide to a typed answer: score, level, interval, gradient, and every reading."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.case import Pins
from shared.domain.errors import InvalidInputError
from shared.domain.images import Measured
from shared.domain.prediction import Flag, NotAnalysed, NotAnalysedReason, Prediction
from shared.domain.slide_answers import SlideAnswer, StainVectors
from shared.domain.slides import PinnedSlide
from shared.pathology.stain_fit import StainFit
from shared.predictors.contract import SlideMeasured, used_inputs
from shared.predictors.her2.aggregation import Aggregate, Readings
from shared.predictors.her2.bootstrap import Spread, spread
from shared.predictors.her2.gate import too_coarse
from shared.predictors.her2.gradient import gradient
from shared.predictors.her2.scale import NAME, POSITIVE_CLASS, SCORE, VARIANT, level_of
from shared.predictors.her2.scoring import Scored, grades, scored, with_effects
from shared.predictors.her2.wording import (
    calibration_text,
    disagreement,
    flags_of,
    read_otherwise,
    sensitivity,
    terms_of,
    unknown_scanner,
    why_indeterminate,
)
from shared.predictors.models import Model, SlideModel
from shared.predictors.slides import SlideContract


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One question: what was pinned, and the bundle that answers."""

    pins: Pins
    slide: PinnedSlide
    model: Model
    contract: SlideContract

    @property
    def readings(self) -> Readings:
        """Return how the site reads the paper."""
        return Readings(self.slide.policy.area_reading, self.slide.policy.rounding)

    @property
    def shift(self) -> float:
        """Return what the calibration adds to the score; nothing to a score that was made otherwise."""
        return self.slide.calibration.shift if self.slide.calibration and self.as_fitted else 0.0

    @property
    def as_fitted(self) -> bool:
        """Tell whether the site makes the scores the bundle's curve and the scanner's record rest on."""
        return self.contract.speaks_of(self.slide.policy)

    def refused(self, reason: NotAnalysedReason, text: str) -> NotAnalysed:
        """Return a coded refusal with what was pinned."""
        return NotAnalysed(NAME, reason, text, used_inputs(self.pins.inputs, self.pins.facts))


def asked(pins: Pins, model: Model) -> Asked:
    """Return the question.

    Raises:
        InvalidInputError: If no slide was pinned, or a calibration of another bundle; if the bundle judges no slides,
            or scores another event.
    """
    slide = pins.slide
    if slide is None:
        raise InvalidInputError("pins", f"{NAME} is asked about a slide, and none was pinned")
    if not isinstance(model, SlideModel) or model.slides is None:
        raise InvalidInputError("bundle", f"judges no slides, and {NAME} needs one that does")
    if model.outcome.positive_class != POSITIVE_CLASS:
        raise InvalidInputError("bundle", f"scores {model.outcome.positive_class}, {NAME} needs {POSITIVE_CLASS}")
    if slide.calibration and slide.calibration.bundle_digest != model.reference.digest:
        raise InvalidInputError("calibration", "was measured with another bundle")
    return Asked(pins, slide, model, model.slides)


def answered(one: Asked, measured: SlideMeasured) -> Prediction | NotAnalysed:
    """Aggregate every grid and state the first."""
    coarse = too_coarse(one.slide.slide, one.contract)
    if coarse:
        return one.refused(NotAnalysedReason.RESOLUTION_TOO_LOW, coarse.text)
    grids = tuple(scored(table, one.slide.exclusions, one.readings, one.shift) for table in measured.tables)
    leading = grids[0]
    if leading.found is None or leading.score is None:
        return _no_tumour(one, leading, measured)
    found = spread(leading.table, one.readings, one.shift)
    slide = _slide(one, measured, grids, leading.found, leading.score, found)
    return _prediction(one, measured, grids, slide, found)


def _no_tumour(one: Asked, leading: Scored, measured: SlideMeasured) -> NotAnalysed:
    before, left = len(measured.tables[0]), len(leading.table)
    if before == 0:
        text = "no patch of the slide has enough tissue"
        return one.refused(NotAnalysedReason.NO_TISSUE, text)
    where = f"none of {left} patches with tissue was recognised as tumour"
    after = f" after {before - left} patches in excluded regions were left out" if left < before else ""
    return one.refused(NotAnalysedReason.NO_TUMOUR, f"{where}{after}: there is no score, least of all 0")


def _slide(
    one: Asked, measured: SlideMeasured, grids: tuple[Scored, ...], found: Aggregate, score: float,
    interval: Spread | None,
) -> SlideAnswer:  # fmt: skip
    leading, policy, slide = grids[0], one.slide.policy, one.slide
    run = gradient(leading.table)
    return SlideAnswer(
        score=score,
        level=level_of(score),
        area_share=found.area_share,
        levels=interval.shares if interval else (),
        croppings=tuple(grid.cropping for grid in grids),
        terms=terms_of(policy, interval),
        stain=_stain(measured.stain),
        grades=grades(leading, one.readings),
        quality=with_effects(measured.checked, leading, one.readings, one.shift),
        score_interval=interval.interval if interval else None,
        indeterminate=why_indeterminate(policy, leading, level_of(score), interval),
        gradient=run.points,
        gradient_slope=run.slope,
        calibration=calibration_text(slide.calibration, slide.slide.scanner, applied=one.as_fitted),
        exclusions=slide.exclusions,
    )


def _prediction(
    one: Asked, measured: SlideMeasured, grids: tuple[Scored, ...], slide: SlideAnswer, interval: Spread | None
) -> Prediction:
    about, probability = flags_of(one.model.reference, interval, one.pins.notes), one.model.score({SCORE: slide.score})
    against = read_otherwise(one.contract, one.slide.policy) + disagreement(slide.score, probability)
    other = sensitivity(grids, stated=not slide.indeterminate)
    seen = unknown_scanner(one.contract, one.slide.slide.scanner)
    return Prediction(
        predictor=NAME,
        variant=VARIANT,
        bundle=one.model.reference,
        outcome=one.model.outcome,
        probability=probability,
        inputs=used_inputs(one.pins.inputs, one.pins.facts),
        flags=about + against + seen + other + _stain_fallback(measured.stain),
        interval=_probabilities(one.model, slide.score_interval),
        runtime=_beside(one.model.runtime, measured.runtime),
        precision=_beside(one.model.precision, measured.precision),
        measured=numbers_of(one, slide, grids),
        slide=slide,
    )


def _probabilities(model: Model, scores: tuple[float, float] | None) -> tuple[float, float] | None:
    """Return the interval of the score as one of the probability; the graph may rise or fall."""
    if scores is None:
        return None
    ends = sorted(model.score({SCORE: end}) for end in scores)
    return ends[0], ends[1]


def _beside(graph: str, network: str) -> str:
    """Name the network's engine beside the graph's: both made the number."""
    return f"{graph}, network {network}" if network else graph


def numbers_of(one: Asked, slide: SlideAnswer, grids: tuple[Scored, ...]) -> tuple[Measured, ...]:
    """Return the numbers of the answer as measurements, for who reads those."""
    bundle = f"TL-PA, {one.model.reference.bundle_id} {one.model.reference.version}"
    leading, found = grids[0], grids[0].found
    rows = [Measured("her2_score", "HER2 score predicted from H&E", slide.score, "1", bundle)]
    if found is not None:
        tumour = float(found.tumour)
        rows.append(
            Measured("area_ihc", "Share of tumour patches above .33", found.area_share, "1", "paper 003, Eq. 3")
        )
        rows.append(Measured("mean_top", "Mean of the highest 30 % above .33", found.mean, "1", "Eq. 5"))
        rows.append(Measured("tumour_patches", "Patches recognised as tumour", tumour, "1", "Eq. 2"))
    if slide.gradient_slope is not None:
        how = "least squares inside the tumour, from the edge inwards"
        rows.append(Measured("core_gradient", "Slope of the probability inwards", slide.gradient_slope, "/mm", how))
    for other in grids[1:]:
        if other.score is not None and leading.score is not None:
            how = f"{other.table.grid.cropping} less {leading.table.grid.cropping}"
            rows.append(Measured("crop_difference", "Score cut otherwise", other.score - leading.score, "1", how))
    return tuple(rows)


def _stain(fit: StainFit) -> StainVectors:
    haematoxylin, eosin = (tuple(float(value) for value in row) for row in fit.vectors)
    return StainVectors(fit.method, haematoxylin, eosin, fit.angle_degrees, fit.fallback)


def _stain_fallback(fit: StainFit) -> tuple[Flag, ...]:
    if not fit.fallback:
        return ()
    return (Flag("stain_fallback", f"The slide's own stains were not used: {fit.fallback}; {fit.method} instead."),)
