"""How many candidates the events can carry."""

from __future__ import annotations

from services.model_factory.handlers.folds.fold import TrainingRows
from services.model_factory.handlers.statistics.sample_size import sample_size
from services.model_factory.handlers.training.modelled import Carried
from services.model_factory.handlers.training.stated import Warned

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


def carried(rows: TrainingRows, columns: int) -> Carried | None:
    """Return how many parameters the training patients carry; None where everybody, or nobody, had the event.

    ``columns``: of the design matrix; every one of them looked at the outcome.
    """
    events = int(rows.events.sum())
    if not 0 < events < rows.n or not columns:
        return None
    found = sample_size(rows.n, events, columns, person_years=float(rows.years.sum()))
    return Carried(found.needed, found.carried, found.sentence)
