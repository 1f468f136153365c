"""What a slide's answer says: score and level, why none is stated, exclusions, artefacts, calibration, sensitivity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.domain.case import Pins
from shared.domain.errors import InvalidInputError
from shared.domain.prediction import NotAnalysed, NotAnalysedReason, Prediction
from shared.domain.slide_answers import SlideLevel
from shared.domain.slides import (
    AreaReading,
    Cropping,
    Exclusion,
    PinnedSlide,
    Point,
    Resolution,
    ResolutionSource,
    Rounding,
    Scanner,
    SlideCalibration,
    SlidePolicy,
)
from shared.pathology.patch_table import PatchTable
from shared.pathology.trouble import SlideProblem, SlideTrouble
from shared.predictors.her2.predictor import Her2
from shared.predictors.her2.wording import REFLEX, disagreement
from shared.testing.cases import START
from shared.testing.slides import BUNDLE, SlideModelDouble, a_slide, a_table, measured, slide_pins

MODEL = SlideModelDouble()


def even(p: float, size: int = 40) -> NDArray[np.float64]:
    """Return a map around ``p`` with a little noise."""
    return np.clip(p + 0.01 * np.random.default_rng(1).standard_normal((size, size)), 0, 1)


def answer(*tables: PatchTable, pins: Pins | None = None) -> Prediction:
    made = Her2().answer_slide(pins or slide_pins(), MODEL, measured(*tables))
    assert isinstance(made, Prediction)
    assert made.slide is not None
    return made


def pinned(**changes: object) -> Pins:
    return slide_pins(replace(PinnedSlide(a_slide(), SlidePolicy()), **changes))  # type: ignore[arg-type]


def flags(made: Prediction) -> dict[str, str]:
    return {one.code: one.text for one in made.flags}


def test_an_even_tumour_has_a_level_an_interval_and_a_probability_of_her2_positive() -> None:
    made = answer(a_table(even(0.6)))

    assert made.slide is not None
    assert made.slide.level is SlideLevel.RESEMBLES_3
    assert made.slide.indeterminate == ""
    assert made.probability == pytest.approx(MODEL.score({"score": made.slide.score}))
    assert made.interval is not None
    assert made.interval[0] < made.probability < made.interval[1]
    assert made.outcome.positive_class == "her2_positive"


def test_an_interval_across_the_treatment_threshold_is_indeterminate_with_the_advice() -> None:
    """The mean of the highest 30 % lies at about .53, where HER2-negative ends, and rests on an eighth of the slide."""
    spot = even(0.45)
    spot[:, :5] += 0.2
    made = answer(a_table(spot))

    assert made.slide is not None
    assert made.slide.indeterminate.startswith(REFLEX)
    assert "between what resembles HER2-negative and HER2-positive" in made.slide.indeterminate


def test_too_few_tumour_patches_are_indeterminate() -> None:
    tumour = np.zeros((40, 40), dtype=np.bool_)
    tumour[::8, ::8] = True
    made = answer(a_table(even(0.6), tumour=tumour))

    assert made.slide is not None
    assert "25 tumour patches, this site asks for 30" in made.slide.indeterminate


def test_tumour_in_one_spot_has_no_interval_and_says_so() -> None:
    tumour = np.zeros((40, 40), dtype=np.bool_)
    tumour[20, 20:22] = True
    made = answer(a_table(even(0.6), tumour=tumour))

    assert made.slide is not None
    assert made.slide.score_interval is None
    assert made.interval is None
    assert "too few for an interval" in made.slide.indeterminate
    assert "no_interval" in flags(made)


def test_an_interval_across_0_and_1_brings_the_comment_asco_cap_asks_for() -> None:
    spot = even(0.40)
    spot[:3] += 0.1
    made = answer(a_table(spot))

    assert made.slide is not None
    assert made.slide.score_interval is not None
    assert made.slide.score_interval[0] <= 0.1 < made.slide.score_interval[1]
    assert "ASCO/CAP 2023" in flags(made)["zero_or_one"]


def test_a_slide_without_tumour_is_not_analysed_and_has_no_score_of_zero() -> None:
    made = Her2().answer_slide(slide_pins(), MODEL, measured(a_table(even(0.2), tumour=np.zeros((40, 40), np.bool_))))

    assert isinstance(made, NotAnalysed)
    assert made.reason is NotAnalysedReason.NO_TUMOUR


def test_a_slide_without_patches_has_no_tissue() -> None:
    made = Her2().answer_slide(slide_pins(), MODEL, measured(a_table(even(0.2), tissue=np.zeros((40, 40), np.bool_))))

    assert isinstance(made, NotAnalysed)
    assert made.reason is NotAnalysedReason.NO_TISSUE


def excluded(*corners: tuple[float, float]) -> Exclusion:
    return Exclusion(tuple(Point(x, y) for x, y in corners), "Dr Test", "in situ component", START)


def test_an_excluded_region_leaves_the_score_and_is_named_with_author_and_reason() -> None:
    halves = even(0.45)
    halves[:, :20] += 0.3
    left_half = excluded((0, 0), (20 * 256, 0), (20 * 256, 40 * 256), (0, 40 * 256))
    before, after = answer(a_table(halves)), answer(a_table(halves), pins=pinned(exclusions=(left_half,)))

    assert before.slide is not None
    assert after.slide is not None
    assert before.slide.croppings[0].tumour_patches == 1600
    assert after.slide.croppings[0].tumour_patches == 800
    assert before.slide.score > 0.4
    assert after.slide.score == pytest.approx(0.13, abs=0.02)
    assert after.slide.exclusions == (left_half,)


def test_excluding_all_tumour_leaves_no_score() -> None:
    everything = excluded((0, 0), (1e6, 0), (1e6, 1e6), (0, 1e6))
    made = Her2().answer_slide(pinned(exclusions=(everything,)), MODEL, measured(a_table(even(0.6))))

    assert isinstance(made, NotAnalysed)
    assert made.reason is NotAnalysedReason.NO_TUMOUR


def test_an_artefact_says_how_many_patches_it_lies_on_and_what_the_score_is_without_them() -> None:
    halves = even(0.45)
    halves[:, :20] += 0.3
    pen = np.zeros((40, 40), dtype=np.uint8)
    pen[:, :20] = 2
    made = answer(a_table(halves, artefacts=pen))

    assert made.slide is not None
    rows = {one.kind: one for one in made.slide.quality}
    assert rows["pen"].patches == 800
    assert rows["pen"].score_without == pytest.approx(0.13, abs=0.02)
    assert (rows["blur"].checked, rows["blur"].patches, rows["blur"].score_without) == (True, 0, None)
    assert rows["fold"].checked is False


def test_a_calibration_of_this_bundle_moves_the_score_and_is_named() -> None:
    record = SlideCalibration("r1", BUNDLE.digest, "Leica", "Aperio AT2", -0.04, 60, "site.pem", "c" * 64)
    plain, moved = answer(a_table(even(0.6))), answer(a_table(even(0.6)), pins=pinned(calibration=record))

    assert plain.slide is not None
    assert moved.slide is not None
    assert moved.slide.score == pytest.approx(plain.slide.score - 0.04)
    assert "r1" in moved.slide.calibration
    assert "-0.040" in moved.slide.calibration
    assert plain.slide.calibration.startswith("none")


@pytest.mark.parametrize(
    "policy",
    [SlidePolicy(Cropping.PAPER), SlidePolicy(area_reading=AreaReading.ALL), SlidePolicy(rounding=Rounding.CEIL)],
)
def test_curve_and_calibration_of_other_scores_are_said_and_no_shift_is_applied(policy: SlidePolicy) -> None:
    record = SlideCalibration("r1", BUNDLE.digest, "Leica", "Aperio AT2", -0.04, 60, "site.pem", "c" * 64)
    table = a_table(even(0.6), cropping=policy.cropping)
    plain, calibrated = (
        answer(table, pins=pinned(policy=policy, calibration=one)) for one in (None, record)
    )  # fmt: skip

    assert plain.slide is not None
    assert calibrated.slide is not None
    assert calibrated.slide.score == plain.slide.score
    assert calibrated.slide.calibration.startswith("none: record r1")
    assert "micrometres, a, floor" in flags(plain)["read_otherwise"]
    assert "read_otherwise" not in flags(answer(a_table(even(0.6))))


def test_a_calibration_of_another_bundle_is_never_applied() -> None:
    record = SlideCalibration("r1", "0" * 64, "Leica", "Aperio AT2", -0.04, 60, "site.pem", "c" * 64)

    with pytest.raises(InvalidInputError, match="another bundle"):
        answer(a_table(even(0.6)), pins=pinned(calibration=record))


def test_a_scanner_the_model_has_not_seen_is_said() -> None:
    unknown = pinned(slide=a_slide(scanner=Scanner("Acme", "One")))

    assert "Acme One" in flags(answer(a_table(even(0.6)), pins=unknown))["unknown_scanner"]
    assert "unknown_scanner" not in flags(answer(a_table(even(0.6))))


def test_the_other_way_of_cutting_patches_is_reported_as_a_difference() -> None:
    made = answer(a_table(even(0.6)), a_table(even(0.5), cropping=Cropping.PAPER))

    assert made.slide is not None
    assert [one.cropping for one in made.slide.croppings] == [Cropping.MICROMETRES, Cropping.PAPER]
    assert made.slide.croppings[1].level is SlideLevel.RESEMBLES_2_FISH_NEGATIVE
    assert "another level (H&E resembles slides of IHC 2+ with negative FISH)" in flags(made)["cropping"]
    assert {one.name: one.value for one in made.measured}["crop_difference"] == pytest.approx(-0.1, abs=0.01)


def test_every_ambiguous_term_is_printed_with_how_it_was_read() -> None:
    made = answer(a_table(even(0.6)))

    assert made.slide is not None
    names = [one.name for one in made.slide.terms]
    assert names == ["cropping", "area_ihc", "threshold", "terms", "missing_terms", "no_tumour", "interval"]


def test_the_probability_rises_from_the_edge_to_the_core_as_a_curve_and_a_slope() -> None:
    y, x = np.indices((60, 60)) - 30
    depth = 20 - np.hypot(x, y)
    made = answer(a_table(np.where(depth > 0, 0.4 + 0.02 * depth, 0.1), tumour=depth > 0))

    assert made.slide is not None
    inside = [one.mean for one in made.slide.gradient if one.distance_um > 400]
    assert inside == sorted(inside)
    assert min(one.distance_um for one in made.slide.gradient) < 0
    assert made.slide.gradient_slope == pytest.approx(0.02 / 0.128, rel=0.1)


def test_tumour_everywhere_has_no_edge_and_no_gradient() -> None:
    made = answer(a_table(even(0.6)))

    assert made.slide is not None
    assert (made.slide.gradient, made.slide.gradient_slope) == ((), None)


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (SlideProblem.CRASHED, NotAnalysedReason.UNREADABLE_SLIDE),
        (SlideProblem.NO_TISSUE, NotAnalysedReason.NO_TISSUE),
        (SlideProblem.TOO_LITTLE_TISSUE, NotAnalysedReason.NO_TISSUE),
        (SlideProblem.RESOLUTION_IMPLAUSIBLE, NotAnalysedReason.RESOLUTION_IMPLAUSIBLE),
    ],
)
def test_trouble_with_the_slide_is_a_coded_reason(problem: SlideProblem, reason: NotAnalysedReason) -> None:
    made = Her2().answer_slide(slide_pins(), MODEL, SlideTrouble(problem, "It cannot be.", "Scan it again."))

    assert isinstance(made, NotAnalysed)
    assert (made.reason, made.text) == (reason, "It cannot be. Scan it again.")


def test_a_slide_coarser_than_the_model_has_seen_is_refused() -> None:
    coarse = pinned(slide=a_slide(resolution=Resolution(1.2, 1.2, ResolutionSource.DICOM)))
    made = Her2().answer_slide(coarse, MODEL, measured(a_table(even(0.6))))

    assert isinstance(made, NotAnalysed)
    assert made.reason is NotAnalysedReason.RESOLUTION_TOO_LOW


def test_a_level_and_a_probability_that_speak_for_different_classes_are_named() -> None:
    assert [one.code for one in disagreement(0.26, 0.27)] == ["level_against_probability"]
    assert "HER2-positive 27%" in disagreement(0.26, 0.27)[0].text
    assert "resemble HER2-negative" in disagreement(0.20, 0.5)[0].text
    assert disagreement(0.26, 0.5) == disagreement(0.20, 0.49) == ()
    made = answer(a_table(even(0.6)))
    assert made.slide is not None
    assert ("level_against_probability" in flags(made)) == bool(disagreement(made.slide.score, made.probability))


def test_nothing_said_claims_a_receptor_status() -> None:
    made = answer(a_table(even(0.6)))

    assert "confirm_by_ihc_ish" in flags(made)
    assert "levels_have_no_order" in flags(made)
    assert not any("HER2-Low" in text or "HER2-low" in text for text in flags(made).values())
