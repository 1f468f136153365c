"""What people see of deliveries and sinks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.domain.case import Currency, DeliveryState


class SinkState(StrEnum):
    """Whether deliveries flow to a sink."""

    CLOSED = "closed"
    """They flow."""
    OPEN = "open"
    """The sink does not answer; its deliveries wait without losing tries."""
    HALF_OPEN = "half_open"
    """One delivery is under way to find out."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One delivery, with the case it belongs to."""

    delivery_id: str
    case_id: str
    finding_id: str
    revision: int
    sink: str
    kind: str
    """Kind of the sink."""
    state: DeliveryState
    tries: int
    reason: str
    currency: Currency
    """Whether its finding still speaks; one that does not is never sent again."""
    next_time: datetime
    """Not tried before then."""
    maybe_there: bool
    """Something of it may be at the sink."""


@dataclass(frozen=True, slots=True)
class SinkSummary:
    """One sink and what is owed to it."""

    name: str
    kind: str
    configured: bool
    """False: it is no longer in the site file, and something is still owed to it."""
    state: SinkState
    failures: int
    """Failures of the sink in a row."""
    reason: str
    """Why it is open; empty while closed."""
    held: int
    due: int
    sending: int
    dead_letters: int
    """Those a person should look at."""
    open_since: datetime | None = None
    probe_time: datetime | None = None
    """When the next delivery tries whether it works again."""
    written_as: str = ""
    """FHIR: resource type of what was delivered last: what the server takes decides it. Empty while nothing was."""
