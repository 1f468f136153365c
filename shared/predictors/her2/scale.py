"""Names, cut points and grades of paper 003, and what of them decides a treatment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.domain.slide_answers import GradeCount, SlideLevel

NAME = "her2"
VARIANT = "tl_pa"
POSITIVE_CLASS = "her2_positive"
"""The only event this predictor gives a probability of; a bundle that scores another one is refused."""
SCORE = "score"
"""The one column of the graph that turns a slide's score into a probability."""

LEVELS = tuple(SlideLevel)
CUTS = (0.10, 0.15, 0.20, 0.25)
"""[0, .1] 0; (.1, .15] 1+; (.15, .2] 2+/FISH-; (.2, .25] 2+/FISH+; above .25 3+ (paper 003)."""
ZERO_ONE, NEGATIVE_POSITIVE = CUTS[0], CUTS[2]
"""Cuts that matter for treatment: HER2-negative against HER2-positive (between 2+/FISH- and 2+/FISH+); and 0 against
1+, on which ASCO/CAP 2023 asks for a comment in the report (Arch Pathol Lab Med 147:993) without naming a category."""

GRADES = ("I", "II", "III", "IV", "V")
_GRADE_EDGES = (0.4, 0.5, 0.6, 0.7)
"""Grade V from .7 on; the others end below the next (paper 003)."""


def level_numbers(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the index in ``LEVELS`` of each score; a score on a cut belongs to the level that ends there."""
    return np.searchsorted(np.asarray(CUTS), scores, side="left")


def level_of(score: float) -> SlideLevel:
    """Return the level of one score."""
    return LEVELS[int(level_numbers(np.asarray([score]))[0])]


def grade_numbers(counted: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the index in ``GRADES`` of each patch; ``counted`` are the p of HER2+ above .33."""
    return np.searchsorted(np.asarray(_GRADE_EDGES, dtype=counted.dtype), counted, side="right")


def grade_counts(counted: NDArray[np.floating]) -> tuple[GradeCount, ...]:
    """Return how many patches have each grade; ``counted`` are the p of HER2+ above .33."""
    counts = np.bincount(grade_numbers(counted), minlength=len(GRADES))
    return tuple(GradeCount(grade, int(n)) for grade, n in zip(GRADES, counts, strict=True))
