"""How many candidates can these events carry?

Events per candidate parameter (Peduzzi et al., J Clin Epidemiol 1995;48:1503-1510: 10; van Smeden et al., Stat Methods
Med Res 2019;28:2455-2474: no single number is enough) and the sample size for a shrinkage of at least .9 (Riley et al.,
Stat Med 2019;38:1276-1296, criterion 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

PER_CANDIDATE = 10
SHRINKAGE = 0.9
NAGELKERKE = 0.15
"""Share of the explainable variation assumed where nothing is known (Riley et al., BMJ 2020;368:m441)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a number of candidates asks of a cohort."""

    events: int
    candidates: int
    """Parameters that look at the outcome, before any selection."""
    n: int
    needed: int
    """Patients for a shrinkage of .9 with all candidates."""
    carried: int
    """Candidates that ``n`` patients carry by the same criterion."""

    @property
    def events_per_candidate(self) -> float:
        """Return events / candidates."""
        return self.events / self.candidates

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what is wrong with the plan, in sentences; empty where nothing is."""
        found = []
        if self.events_per_candidate < PER_CANDIDATE:
            found.append(
                f"{self.candidates} candidates on {self.events} events are {self.events_per_candidate:.1f} events per "
                f"candidate, below {PER_CANDIDATE}; what is left after selection does not change that"
            )
        if self.n < self.needed:
            found.append(
                f"{self.needed} patients are needed for {self.candidates} candidates (shrinkage {SHRINKAGE}), there "
                f"are {self.n}, which carry {self.carried}"
            )
        return tuple(found)


def plan(
    n: int, events: int, candidates: int, *, person_years: float | None = None, nagelkerke: float = NAGELKERKE
) -> Plan:
    """Plan a model; with ``person_years`` for a time to event, without for a yes or no.

    Raises:
        ValueError: If a count is not positive, or more events than patients.
    """
    if not 0 < events < n or candidates < 1 or not 0 < nagelkerke < 1:
        raise ValueError("a plan needs events, patients without one, and candidates")
    explained = nagelkerke * _largest(n, events, person_years)
    per_candidate = 1 / ((SHRINKAGE - 1) * math.log1p(-explained / SHRINKAGE))
    return Plan(events, candidates, n, math.ceil(candidates * per_candidate), math.floor(n / per_candidate))


def _largest(n: int, events: int, person_years: float | None) -> float:
    """Return the largest possible R2 of Cox and Snell: of a model that knows only the rate, or the share, of events."""
    if person_years is None:
        share = events / n
        null = events * math.log(share) + (n - events) * math.log1p(-share)
    else:
        null = events * math.log(events / person_years) - events
    return 1 - math.exp(2 * null / n)
