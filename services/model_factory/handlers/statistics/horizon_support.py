"""May a cohort speak about a horizon at all?

Rule: at least ten subjects are followed to the horizon, and at least five events fall between the previous horizon and
this one; a ten-year risk from a cohort followed for five would be a drawing, not an estimate.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.model_factory.handlers.statistics.arrays import Flags, Vector

SUBJECTS, EVENTS = 10, 5


@dataclass(frozen=True, slots=True)
class Support:
    """What the cohort holds at one horizon."""

    horizon: float
    """Years."""
    at_risk: int
    """Subjects followed to the horizon or beyond, free of the event before it."""
    events: int
    """In the stretch that ends at the horizon."""
    since: float
    """Where that stretch begins: the horizon before, or 0."""

    @property
    def given(self) -> bool:
        """Return whether a risk at this horizon may be given."""
        return self.at_risk >= SUBJECTS and self.events >= EVENTS

    @property
    def sentence(self) -> str:
        """Return why it may, or may not, for a person."""
        held = (
            f"{self.at_risk} subjects at risk at {self.horizon:g} years, "
            f"{self.events} events between {self.since:g} and {self.horizon:g} years"
        )
        verdict = "given" if self.given else f"not given: at least {SUBJECTS} and {EVENTS} are needed"
        return f"{self.horizon:g}-year risk {verdict} ({held})"


def horizon_support(time: Vector, event: Flags, horizons: tuple[float, ...]) -> tuple[Support, ...]:
    """Return what supports each of ``horizons`` (years), nearest first.

    Raises:
        ValueError: If a horizon is not positive.
    """
    ordered = sorted(horizons)
    if not ordered or ordered[0] <= 0:
        raise ValueError("a horizon is a positive number of years")
    stretches = zip(ordered, (0.0, *ordered[:-1]), strict=True)
    return tuple(
        Support(horizon, int((time >= horizon).sum()), int((event & (time > since) & (time <= horizon)).sum()), since)
        for horizon, since in stretches
    )
