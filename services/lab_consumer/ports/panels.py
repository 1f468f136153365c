"""Values of one draw, which a panel is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from shared.domain.identity import PatientIdentity


@dataclass(frozen=True, slots=True)
class Measured:
    """A value a panel may be made of: which, and of which day."""

    fact_id: str
    name: str
    """``FactName``."""
    effective_date: date


@dataclass(frozen=True, slots=True)
class Panel:
    """Values of one draw under one id; what of it results must know is told through the outbox."""

    uid: str
    identity: PatientIdentity
    """Whose it was when it was opened: results itself follows merges from there."""
    analytes: tuple[str, ...]
    """``FactName`` of what makes such a panel, sorted."""
    first: date
    last: date
    facts: frozenset[str]
    """``fact_id`` of its values."""
    opened_time: datetime
    taken_back: str = ""
    """Why there is no such draw any more; empty where there is."""
