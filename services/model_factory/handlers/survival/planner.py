"""How many candidates the events can carry."""

from __future__ import annotations

from services.model_factory.handlers.training.results import Warned

EVENTS_PER_CANDIDATE = 10
"""Rule of thumb (Peduzzi et al., J Clin Epidemiol 1995;48:1503-1510); candidates count, not what is left of them."""


def plan(events: int, candidates: int) -> Warned | None:
    """Return the warning where there are fewer than ten events for every candidate looked at."""
    if events >= EVENTS_PER_CANDIDATE * candidates:
        return None
    carried = events // EVENTS_PER_CANDIDATE
    return Warned(
        "events_per_candidate",
        f"{candidates} candidates on {events} events: {events / candidates:.1f} events per candidate, where "
        f"{EVENTS_PER_CANDIDATE} are wanted. These events carry {carried} candidates; for {candidates} some "
        f"{EVENTS_PER_CANDIDATE * candidates} events are needed. What is selected will change from sample to sample.",
    )
