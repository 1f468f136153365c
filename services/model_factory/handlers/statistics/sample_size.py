"""How many patients do these candidates need, and how many do these patients carry?

The sample size for a shrinkage of at least .9: Riley et al., Stat Med 2019;38:1276-1296, criterion 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

SHRINKAGE = 0.9
NAGELKERKE = 0.15
"""Share of the explainable variation assumed where nothing is known (Riley et al., BMJ 2020;368:m441)."""


@dataclass(frozen=True, slots=True)
class SampleSize:
    """What a number of candidates asks of a cohort."""

    n: int
    candidates: int
    """Parameters that look at the outcome, before any selection."""
    needed: int
    """Patients for a shrinkage of .9 with all candidates."""
    carried: int
    """Candidates that ``n`` patients carry by the same criterion."""

    @property
    def sentence(self) -> str:
        """Return what is asked and what is there, for a person."""
        return (
            f"{self.candidates} candidates need {self.needed} patients for a shrinkage of {SHRINKAGE:g}; {self.n} "
            f"patients carry {self.carried} candidates"
        )


def sample_size(
    n: int, events: int, candidates: int, *, person_years: float | None = None, nagelkerke: float = NAGELKERKE
) -> SampleSize:
    """Return what ``candidates`` ask of ``n``; with ``person_years`` for a time to event, without for a yes or no.

    Raises:
        ValueError: If a count is not positive, or more events than patients.
    """
    if not 0 < events < n or candidates < 1 or not 0 < nagelkerke < 1:
        raise ValueError("a sample size needs events, patients without one, and candidates")
    explained = nagelkerke * _largest(n, events, person_years)
    per_candidate = 1 / ((SHRINKAGE - 1) * math.log1p(-explained / SHRINKAGE))
    return SampleSize(n, candidates, math.ceil(candidates * per_candidate), math.floor(n / per_candidate))


def _largest(n: int, events: int, person_years: float | None) -> float:
    """Return the largest possible R2 of Cox and Snell: of a model that knows only the rate, or the share, of events."""
    if person_years is None:
        share = events / n
        null = events * math.log(share) + (n - events) * math.log1p(-share)
    else:
        null = events * math.log(events / person_years) - events
    return 1 - math.exp(2 * null / n)
