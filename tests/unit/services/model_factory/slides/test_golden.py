"""The slides a cheaper arithmetic is judged by are those whose level would change first."""

from __future__ import annotations

from services.model_factory.handlers.slides.golden import nearest_to_cuts

SCORES = {7: 0.0, 1: 0.11, 2: 0.09, 3: 0.149, 4: 0.26, 5: 0.9, 6: 0.202}
CUTS = (0.1, 0.15, 0.2, 0.25)


def test_each_cut_has_its_nearest_slides_in_turn() -> None:
    assert nearest_to_cuts(SCORES, CUTS, 5) == (1, 3, 6, 4, 2)


def test_no_slide_is_taken_twice_and_none_is_invented() -> None:
    assert sorted(nearest_to_cuts(SCORES, CUTS, 50)) == sorted(SCORES)
    assert nearest_to_cuts({}, CUTS, 12) == ()
