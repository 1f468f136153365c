"""The sentences of a slide: what they say, and what they never say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.results.deliver.formats import slide_wording, wording
from services.results.deliver.formats.fhir_parts import sentences
from services.results.deliver.formats.style import Style
from shared.domain.identity import Side
from shared.domain.slide_answers import QualityRow, SlideLevel
from shared.pathology.quality.glass_quality import GlassQuality
from shared.pathology.quality.rows import quality_rows
from shared.storage.blobs import LocalBlobs
from tests.slide_findings import SlideFindings, indeterminate, slide_answer
from tests.unit.shared.pathology.tables import table


@pytest.fixture
def slides(blobs: LocalBlobs) -> SlideFindings:
    return SlideFindings(blobs)


def test_a_level_is_what_the_slide_resembles_and_never_what_it_is() -> None:
    for level in SlideLevel:
        said = slide_wording.level(replace(slide_answer(), level=level))
        assert said.startswith("Level: H&E resembles slides of IHC ")
        assert "low" not in said.lower()


def test_an_indeterminate_answer_advises_the_reflex_test_and_names_no_level() -> None:
    said = slide_wording.level(indeterminate())
    assert "reflex IHC/ISH" in said
    assert "resembles" not in said


def test_an_indeterminate_answer_names_no_level_by_the_other_size_of_patches_either() -> None:
    (stated,), (unstated,) = (list(slide_wording.sensitivity(one)) for one in (slide_answer(), indeterminate()))
    assert "resembles" in stated
    assert "resembles" not in unstated
    assert "score" in unstated


def test_every_rendering_says_to_confirm_and_that_levels_are_no_ladder(slides: SlideFindings, style: Style) -> None:
    said = list(sentences(slides.prediction(), style))
    assert slide_wording.CONFIRM in said
    assert slide_wording.NO_LADDER in said
    assert wording.SUPPORT in said


def test_not_found_and_not_checked_are_different_sentences() -> None:
    tissue, blur, pen, fold = slide_wording.quality(slide_answer())
    assert tissue == "Tissue: 2.75 mm2, 87.0 %."
    assert blur == "Out of focus: 0.12 mm2, 4.0 %, on 2 patches; without them the score is 0.2288."
    assert pen == "Pen: none found."
    assert fold == "Folds: not checked. The overview is too coarse."


def test_the_five_grades_of_the_paper_are_counted_in_words() -> None:
    answer = slide_answer()
    said = slide_wording.grades(answer)
    assert [f"{row.grade}: {row.patches}" in said for row in answer.grades] == [True] * 5
    assert said in list(slide_wording.basis(answer))


def test_what_is_really_said_of_clean_glass_is_said_once() -> None:
    clean = GlassQuality(np.ones((10, 10), bool), np.zeros((10, 10), bool), np.zeros((10, 10), bool), 10.0)
    answer = replace(slide_answer(), quality=quality_rows(clean, table(), {}))
    assert list(slide_wording.quality(answer))[1:] == [
        "Out of focus: none found.", "Pen: none found.", "Folds: none found."
    ]  # fmt: skip


def test_an_artefact_on_every_tumour_patch_leaves_no_score_without_it() -> None:
    row = QualityRow("pen", checked=True, area_mm2=0.5, share=0.1, patches=3)
    (said,) = slide_wording.quality(replace(slide_answer(), quality=(row,)))
    assert said == "Pen: 0.50 mm2, 10.0 %, on 3 patches; without them there is no score."


def test_a_stain_that_could_not_be_fitted_is_said() -> None:
    answer = slide_answer()
    worn = replace(answer, stain=replace(answer.stain, fallback="the stains are 9.6 degrees apart."))
    assert "The fit was not used: the stains are 9.6 degrees apart." in slide_wording.stain(worn)


def test_another_size_of_patches_that_gives_no_score_is_not_scorable_and_not_zero() -> None:
    answer = slide_answer()
    bare = replace(answer.croppings[1], score=None, level=None, tumour_patches=0)
    (said,) = slide_wording.sensitivity(replace(answer, croppings=(answer.croppings[0], bare)))
    assert said.endswith("not scorable, 0 tumour patches of 2210.")


def test_a_slide_has_a_day_and_no_images_and_a_side_only_where_its_order_states_it(
    slides: SlideFindings, style: Style
) -> None:
    finding = slides.prediction()
    said = wording.validity(finding, style)
    assert "Slide of 2026-03-01" in said
    assert "first result of IHC or ISH" in said
    assert "Images" not in said
    assert wording.side(finding) == ""
    assert wording.side(replace(finding, side=Side.LEFT)) == "Side: left."


def test_a_resolution_a_person_stated_names_that_person(slides: SlideFindings) -> None:
    finding = slides.prediction()
    slide = finding.study.slide
    assert slide is not None
    assert slide.resolution is not None
    stated = replace(slide, resolution=replace(slide.resolution, stated_by="path.meyer"))
    lines = list(slide_wording.slide_lines(replace(finding, study=replace(finding.study, slide=stated))))
    assert "stated by path.meyer" in lines[1]
    assert lines[-1] == slide_wording.NOT_DICOM


def test_the_curve_is_told_in_numbers_with_the_patches_each_mean_rests_on() -> None:
    said = slide_wording.curve(slide_answer())
    assert said.startswith("Mean probability of the patch class 'tumour of a HER2-positive slide' by distance")
    assert said.endswith(": 100 um outside: 0.200 (3 patches); 50 um inside: 0.400 (10 patches); "
                         "250 um inside: 0.500 (7 patches).")  # fmt: skip
    assert said in list(slide_wording.basis(slide_answer()))
    assert not slide_wording.curve(replace(slide_answer(), gradient=()))
