"""One simulated cohort: candidates, follow-up, and what happened first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.phantoms.cohort.drawing import Levels, Numbers, draw_factors, draw_measured
from shared.phantoms.cohort.measured import MEASURED
from shared.phantoms.cohort.truth import death_times, event_times, linear_predictor


@dataclass(frozen=True, slots=True)
class FollowUp:
    """How long patients are watched, and how fast the disease is."""

    name: str
    description: str
    shortest_years: float
    longest_years: float
    """Follow-up is uniform between the two."""
    scale_years: float
    """Of the Weibull baseline, so that 70 of 326 have the event (paper 002, table 1)."""
    first_year_excluded: bool = False
    """True: who is not event-free and in follow-up at one year is not in the cohort."""


LONG = FollowUp("long", "Followed for two to twelve years.", 2.0, 12.0, 34.7)
PAPER = FollowUp(
    "paper",
    "Admitted between September 2018 and September 2023 and followed until September 2024; patients with less than one "
    "year between diagnosis and the end of their follow-up are not in the cohort.",
    1.0,
    6.0,
    11.3,
    first_year_excluded=True,
)
FOLLOW_UPS: Mapping[str, FollowUp] = {one.name: one for one in (LONG, PAPER)}


@dataclass(frozen=True, slots=True)
class SimulatedCohort:
    """Arrays of one cohort, one entry per patient."""

    follow_up: FollowUp
    seed: int
    measured: Mapping[str, Numbers]
    """As a sheet would hold them: rounded; below the detection limit the value is NaN."""
    factors: Mapping[str, Levels]
    years: Numbers
    """To whatever came first; three decimals, at least 0.001."""
    outcome: NDArray[np.intp]
    """0 end of follow-up, 1 lung metastasis, 2 death without it."""
    linear: Numbers
    """The true log relative hazard."""

    @property
    def n(self) -> int:
        """Return the number of patients."""
        return len(self.years)


def simulate_cohort(n: int = 326, seed: int = 1, follow_up: FollowUp = LONG) -> SimulatedCohort:
    """Draw ``n`` patients; the same seed gives the same cohort.

    Raises:
        ValueError: If ``n`` is not positive.
    """
    if n < 1:
        raise ValueError(f"a cohort has at least one patient, not {n}")
    rng = np.random.default_rng(seed)
    # Enough to choose from where the first year is excluded; who is chosen does not depend on n beyond this.
    drawn = 2 * n + 50 if follow_up.first_year_excluded else n
    measured, latent = draw_measured(rng, drawn)
    factors = draw_factors(rng, drawn, latent)
    linear = linear_predictor(measured, factors)
    years, outcome = _first(rng, linear, follow_up)
    kept = np.flatnonzero(years >= 1.0 if follow_up.first_year_excluded else np.ones(drawn, dtype=bool))[:n]
    return SimulatedCohort(
        follow_up,
        seed,
        {one.name: _sheet(measured[one.name][kept], one.decimals, one.limits) for one in MEASURED},
        {name: levels[kept] for name, levels in factors.items()},
        np.maximum(np.round(years[kept], 3), 0.001),
        outcome[kept],
        linear[kept],
    )


def _first(rng: np.random.Generator, linear: Numbers, follow_up: FollowUp) -> tuple[Numbers, NDArray[np.intp]]:
    n = len(linear)
    ends = rng.uniform(follow_up.shortest_years, follow_up.longest_years, n)
    times = np.stack([ends, event_times(rng, linear, follow_up.scale_years), death_times(rng, n)])
    return times.min(axis=0), times.argmin(axis=0)


def _sheet(values: Numbers, decimals: int, limits: tuple[float, float] | None) -> Numbers:
    rounded = np.round(values, decimals)
    if limits is None:
        return rounded
    return np.where(rounded < limits[0], np.nan, np.minimum(rounded, limits[1]))
