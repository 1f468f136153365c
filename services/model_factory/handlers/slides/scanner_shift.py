"""By how much one scanner moves every score: found where the bundle's probabilities add up to what IHC/ISH found.

Calibration in the large (Van Calster et al., BMC Med 2019;17:230) on the scale of the score: paper 003 saw a whole
cohort moved by about one level.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.bundles.slide_calibration import LARGEST_SHIFT
from shared.predictors.her2.aggregation import calibrated

Scores = NDArray[np.float64]
LEAST_SLIDES, LEAST_EACH = 20, 5
"""Slides with a known status, and of either class."""
DRAWS, SEED = 500, 20_261_121
_STEPS = 40
METHOD = (
    "calibration in the large: the shift at which the bundle's mean probability is the share of HER2-positive slides; "
    "95 % interval by 500 bootstraps of slides"
)


@dataclass(frozen=True, slots=True)
class Shift:
    """What was found."""

    shift: float
    interval: tuple[float, float]
    n: int
    positives: int
    expected: float
    """Mean probability before."""
    method: str = METHOD


def shift_of(scores: NDArray[np.float64], positive: NDArray[np.bool_], chance: Callable[[float], float]) -> Shift:
    """Return the shift of a scanner's slides.

    Args:
        scores: As the bundle gives them; what Eq. 6 set to 0 stays 0 under any shift.
        positive: By IHC/ISH.
        chance: The bundle's probability of a score; rises with it.

    Raises:
        ValueError: If there are too few slides of either class, the probability does not rise, or no shift will do.
    """
    n, positives = len(scores), int(positive.sum())
    if n < LEAST_SLIDES or min(positives, n - positives) < LEAST_EACH:
        raise ValueError(
            f"{n} of them can be used, {positives} positive: {LEAST_SLIDES} are needed, {LEAST_EACH} of either class"
        )
    if not chance(0.5) > chance(0.1):
        raise ValueError("the bundle's probability does not rise with the score: no shift can be found")
    grid = np.linspace(-LARGEST_SHIFT, 2 * LARGEST_SHIFT, 1200)
    curve = np.array([chance(float(one)) for one in grid])

    def asked(shifted: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.interp(shifted, grid, curve), dtype=np.float64)

    found = _balanced(scores, positive, asked)
    if abs(found) >= LARGEST_SHIFT * 0.999:
        raise ValueError("no shift makes the probabilities add up: the bundle does not fit these slides")
    rng = np.random.default_rng(SEED)
    drawn = [rng.integers(0, n, n) for _ in range(DRAWS)]
    low, high = np.quantile([_balanced(scores[rows], positive[rows], asked) for rows in drawn], [0.025, 0.975])
    return Shift(found, (float(low), float(high)), n, positives, float(asked(scores).mean()))


def _balanced(scores: Scores, positive: NDArray[np.bool_], asked: Callable[[Scores], Scores]) -> float:
    """Return the root of mean probability less share, by halving; an end of the range where there is none."""
    share = float(positive.mean())
    low, high = -LARGEST_SHIFT, LARGEST_SHIFT
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if float(asked(calibrated(scores, middle)).mean()) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2
