"""The slides a cheaper arithmetic is judged by are those whose level would change first."""

from __future__ import annotations

from services.model_factory.handlers.slides.golden import nearest_to_cuts

SCORES = {7: 0.0, 1: 0.11, 2: 0.09, 3: 0.158, 4: 0.26, 5: 0.9, 6: 0.206, 8: 0.2502}
CUTS = (0.1, 0.15, 0.2, 0.25)


def test_each_cut_has_its_nearest_slides_in_turn() -> None:
    assert nearest_to_cuts(SCORES, CUTS, 5, 0.0) == (1, 3, 6, 8, 2)


def test_a_slide_whose_level_is_a_toss_up_in_any_arithmetic_is_none_of_them() -> None:
    assert nearest_to_cuts(SCORES, CUTS, 5, 0.005) == (1, 3, 6, 4, 2)


def test_no_slide_is_taken_twice_and_none_is_invented() -> None:
    assert sorted(nearest_to_cuts(SCORES, CUTS, 50, 0.0)) == sorted(SCORES)
    assert nearest_to_cuts({}, CUTS, 12, 0.005) == ()
