"""Times the model answers for, and those it refuses."""

from __future__ import annotations

import numpy as np

from services.model_factory.handlers.cohort.typed import Flags, Numbers

LEAST_AT_RISK = 10
LEAST_EVENTS = 5


def refusal(years: Numbers, events: Flags, horizon: int) -> str:
    """Return why no probability is given for ``horizon`` years; empty where one is.

    Fewer than ten patients still followed then, or fewer than five events before.
    """
    at_risk, happened = at_horizon(years, events, horizon)
    if at_risk < LEAST_AT_RISK:
        return (
            f"only {at_risk} of {len(years)} patients were still followed at {horizon} years (at least {LEAST_AT_RISK} "
            f"are needed); the longest follow-up is {years.max():.1f} years"
        )
    if happened < LEAST_EVENTS:
        return f"only {happened} events within {horizon} years (at least {LEAST_EVENTS} are needed)"
    return ""


def course(horizons: tuple[int, ...]) -> Numbers:
    """Return the times (years) from 0 to the last of ``horizons``, a quarter apart; empty where none is given."""
    return np.arange(4 * max(horizons) + 1) / 4.0 if horizons else np.zeros(0)


def at_horizon(years: Numbers, events: Flags, horizon: int) -> tuple[int, int]:
    """Return how many were still followed at ``horizon``, and how many had the event by then."""
    return int(np.sum(years >= horizon)), int(np.sum(events & (years <= horizon)))
