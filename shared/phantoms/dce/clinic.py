"""What a hospital's sheet says of the simulated women: paper 000, table 1 (N = 447), with receptors that hang together.

The joint distribution is not published: conditional shares below are the simulation's own, chosen so that the marginals
are the paper's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.str_]
Numbers = NDArray[np.float64]
PATIENTS = 447


@dataclass(frozen=True, slots=True)
class Factor:
    """One categorical column; the first level is the reference of table 3."""

    name: str
    display: str
    levels: tuple[str, ...]
    counts: tuple[int, ...]
    """Of 447, in the order of the levels (table 1, column "Total")."""

    @property
    def shares(self) -> tuple[float, ...]:
        """Return the share of each level."""
        return tuple(count / sum(self.counts) for count in self.counts)


FACTORS: tuple[Factor, ...] = (
    Factor("histology", "Histological type", ("ductal", "other"), (431, 16)),
    Factor("nac_cycles", "Cycles of neoadjuvant chemotherapy", ("4-5", "6-8", "other"), (128, 298, 21)),
    Factor("er", "Oestrogen receptor", ("negative", "positive"), (218, 229)),
    Factor("pr", "Progesterone receptor", ("negative", "positive"), (293, 154)),
    Factor("her2", "HER2", ("0", "low", "3"), (107, 157, 183)),
    Factor("p53", "P53", ("negative", "positive"), (134, 313)),
    Factor("t", "Clinical T", ("1", "2", "3", "4"), (53, 268, 84, 42)),
    Factor("n", "Clinical N", ("1", "2", "3"), (255, 100, 92)),
    Factor("m", "Clinical M", ("0", "1"), (434, 13)),
)

PR_GIVEN_ER = 0.62
"""Share of the ER positive that are PR positive; the rest of the 154 of table 1 are ER negative."""
HER2_GIVEN_ER = (0.17, 0.49, 0.34)
"""HER2 0, low, 3 among the ER positive; low goes with ER."""


@dataclass(frozen=True, slots=True)
class Clinic:
    """Columns of the sheet before treatment, each (n,)."""

    age: Numbers
    """Years, whole: median 51, quartiles 45 and 57."""
    ki67: Numbers
    """Percent, whole: median 30, quartiles 20 and 50."""
    factors: Mapping[str, Levels]

    @property
    def n(self) -> int:
        """Return the number of patients."""
        return len(self.age)


def factor(name: str) -> Factor:
    """Return the factor ``name``."""
    return next(one for one in FACTORS if one.name == name)


def draw_clinic(rng: np.random.Generator, n: int) -> Clinic:
    """Draw ``n`` patients."""
    positive = rng.random(n) < factor("er").shares[1]
    drawn: dict[str, Levels] = {"er": np.where(positive, "positive", "negative")}
    drawn["pr"] = np.where(rng.random(n) < _progesterone(positive), "positive", "negative")
    drawn["her2"] = _her2(rng, positive)
    for name in ("histology", "nac_cycles", "p53", "t", "n", "m"):
        drawn[name] = _pick(rng, factor(name).levels, np.tile(factor(name).shares, (n, 1)))
    age = np.clip(np.round(rng.normal(51.0, 8.9, n)), 22, 85)
    return Clinic(age, _ki67(rng, positive), {one.name: drawn[one.name] for one in FACTORS})


def _progesterone(er: NDArray[np.bool_]) -> Numbers:
    share = factor("er").shares[1]
    return np.where(er, PR_GIVEN_ER, (factor("pr").shares[1] - share * PR_GIVEN_ER) / (1 - share))


def _her2(rng: np.random.Generator, er: NDArray[np.bool_]) -> Levels:
    share, given = factor("er").shares[1], np.array(HER2_GIVEN_ER)
    without = (np.array(factor("her2").shares) - share * given) / (1 - share)
    return _pick(rng, factor("her2").levels, np.where(er[:, None], given, without))


def _ki67(rng: np.random.Generator, er: NDArray[np.bool_]) -> Numbers:
    """Laboratories round to five percent; ER negative tumours divide faster."""
    normal = 0.92 * rng.standard_normal(len(er)) + np.where(er, -0.38, 0.4)
    return np.clip(5 * np.round(30 * np.exp(0.68 * normal) / 5), 5, 95)


def _pick(rng: np.random.Generator, levels: tuple[str, ...], shares: Numbers) -> Levels:
    """Return one level per row of ``shares`` (n, levels)."""
    place = (rng.random(len(shares))[:, None] > np.cumsum(shares, axis=1)).sum(axis=1)
    picked: Levels = np.array(levels)[np.minimum(place, len(levels) - 1)]
    return picked
