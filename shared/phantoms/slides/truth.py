"""What is true in the simulated cohort: a HER2 level, how much of it H&E shows, and the response to therapy.

A level moves one latent number, ``shown``, by ``SHOWS`` with a spread of ``SPREAD`` that nothing explains; tumour nests
look like ``shown`` and like nothing else. As in paper 003, 3+ shows a little less than 2+ with amplification, and of
treated women those whose slide shows more respond worse (its NAT arm: AUC .77 for non-pCR, rho .45 with RCB).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Words = NDArray[np.str_]

LEVELS = ("0", "1+", "2+/FISH-", "2+/FISH+", "3+")
SHARES: Mapping[str, float] = {"0": 0.17, "1+": 0.17, "2+/FISH-": 0.18, "2+/FISH+": 0.2, "3+": 0.28}
SHOWS: Mapping[str, float] = {"0": -1.05, "1+": -0.75, "2+/FISH-": -0.4, "2+/FISH+": 1.1, "3+": 0.9}
"""Mean of ``shown`` per level; the simulation's own."""
SPREAD = 1.0
"""Standard deviation of ``shown`` within a level."""
POSITIVE = ("2+/FISH+", "3+")
"""HER2-positive by IHC and ISH (ASCO-CAP 2018, affirmed 2023)."""
TREATED = 0.45
"""Share of HER2-positive women in the NAT arm."""
RCB = ("0", "I", "II", "III")
_RESIDUE_SPREAD = 1.35
_RESIDUE_CUTS = (0.79, 1.43, 2.7)
"""Of ``shown`` + noise: pCR (RCB 0) 45 %, I 15 %, II 25 %, III 15 %."""


@dataclass(frozen=True, slots=True)
class Truths:
    """One row per slide."""

    level: Words
    shown: Numbers
    """How strongly the nests look HER2-driven; mean near 0, standard deviation near 1.2."""
    probability: Numbers
    """P(HER2-positive | shown): what the best of all models would answer."""
    rcb: Words
    """``0`` to ``III``; empty: not treated before surgery."""

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Return whether HER2 is positive by IHC/ISH."""
        return np.isin(self.level, POSITIVE)


def draw_truths(rng: np.random.Generator, n: int) -> Truths:
    """Draw ``n`` slides."""
    level = rng.choice(np.array(LEVELS), n, p=[SHARES[one] for one in LEVELS])
    shown = np.array([SHOWS[str(one)] for one in level]) + SPREAD * rng.standard_normal(n)
    residue = np.digitize(shown + _RESIDUE_SPREAD * rng.standard_normal(n), _RESIDUE_CUTS)
    treated = np.isin(level, POSITIVE) & (rng.random(n) < TREATED)
    return Truths(level, shown, probability(shown), np.where(treated, np.array(RCB)[residue], ""))


def probability(shown: Numbers) -> Numbers:
    """Return P(HER2-positive | shown) by Bayes' rule."""
    weight = {one: SHARES[one] * np.exp(-(((shown - SHOWS[one]) / SPREAD) ** 2) / 2) for one in LEVELS}
    positive = sum((weight[one] for one in POSITIVE), np.zeros_like(shown))
    return np.asarray(positive / sum(weight.values(), np.zeros_like(shown)))
