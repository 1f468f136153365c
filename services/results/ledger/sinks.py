"""How the sinks are: for people, for health checks, and for the notice that one is down."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.results.ledger.database import reading
from services.results.ledger.leaving import asks_a_person
from services.results.ledger.machines import OPEN_DELIVERY
from services.results.ledger.policy import Policy
from services.results.ledger.record import tell
from services.results.ledger.tables import DELIVERY, FINDING, SINK
from shared.domain.case import DeliveryState
from shared.domain.deliveries import SinkState, SinkSummary


@dataclass(frozen=True, slots=True)
class Sinks:
    """The ledger's side of ListSinks."""

    engine: sa.Engine
    policy: Policy

    def listed(self) -> tuple[SinkSummary, ...]:
        """Return the configured sinks in the order of the site file, then those that are gone and still owed."""
        with reading(self.engine) as connection:
            breakers = {row.sink: row for row in connection.execute(sa.select(SINK))}
            counts = _counts(connection)
            forms = {sink.name: _written_as(connection, sink.name) for sink in self.policy.sinks if sink.kind == "fhir"}
        kinds = {sink.name: sink.kind for sink in self.policy.sinks}
        gone = {name: kind for (name, kind), owed in counts.items() if name not in kinds and _owed(owed)}
        return tuple(
            replace(
                _summary(name, kind, breakers.get(name), counts.get((name, kind), {}), configured=name in kinds),
                written_as=forms.get(name, ""),
            )
            for name, kind in (kinds | gone).items()
        )

    def trouble(self, name: str) -> str:
        """Return what is wrong with a sink and what to do, in one sentence; empty where nothing is."""
        with reading(self.engine) as connection:
            row = connection.execute(sa.select(SINK).where(SINK.c.sink == name)).first()
        if row is None or row.open_since is None:
            return ""
        return f"sink {name} is open since {row.open_since:%Y-%m-%d %H:%M} UTC ({row.reason}): start or repair it"


def open_for_long(policy: Policy, now: datetime) -> sa.Select[Any]:
    """Return the sinks that a person must hear about: open for long, and not told since the last deadline."""
    told = sa.or_(SINK.c.told_time.is_(None), SINK.c.told_time < now - policy.state_deadline)
    return sa.select(SINK).where(SINK.c.open_since < now - policy.sink_patience, told)


def tell_open(connection: sa.Connection, policy: Policy, now: datetime) -> int:
    """Tell a person about each sink that has been open for long, and again after each deadline; return how many."""
    rows = list(connection.execute(open_for_long(policy, now)))
    for row in rows:
        due = sa.and_(DELIVERY.c.sink == row.sink, DELIVERY.c.state == DeliveryState.DUE.value)
        waiting = connection.execute(sa.select(sa.func.count()).select_from(DELIVERY).where(due)).scalar_one()
        text = f"sink {row.sink} is down since {row.open_since:%Y-%m-%d %H:%M} UTC, {waiting} deliveries wait"
        tell(connection, "sink_down", f"{text} ({row.reason})", now, key=f"{row.sink}|{row.open_since}|{now}")
        connection.execute(SINK.update().where(SINK.c.sink == row.sink).values(told_time=now))
    return len(rows)


def tell_removed(connection: sa.Connection, policy: Policy, now: datetime) -> int:
    """Tell a person, once per sink, about deliveries owed to a sink that is no longer in the site file."""
    still_open = DELIVERY.c.state.in_([state.value for state in OPEN_DELIVERY])
    known = [sink.name for sink in policy.sinks]
    query = sa.select(DELIVERY.c.sink, sa.func.min(DELIVERY.c.created_time).label("first"), sa.func.count().label("n"))
    rows = list(connection.execute(query.where(still_open, DELIVERY.c.sink.not_in(known)).group_by(DELIVERY.c.sink)))
    for row in rows:
        remedy = "put it back, or use `oncorelay letters redirect`"
        text = f"{row.n} deliveries are owed to sink {row.sink}, which is no longer in the site file: {remedy}"
        tell(connection, "sink_removed", text, now, key=f"{row.sink}|{row.first}")
    return len(rows)


def _counts(connection: sa.Connection) -> dict[tuple[str, str], dict[str, int]]:
    """Return (sink, kind) -> state -> number; dead letters only where a person should look."""
    joined = sa.select(DELIVERY.c.sink, DELIVERY.c.kind, DELIVERY.c.state, sa.func.count().label("n")).join(
        FINDING, FINDING.c.finding_id == DELIVERY.c.finding_id
    )
    moving = DELIVERY.c.state.in_([state.value for state in OPEN_DELIVERY])
    query = joined.where(sa.or_(moving, asks_a_person()))
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for row in connection.execute(query.group_by(DELIVERY.c.sink, DELIVERY.c.kind, DELIVERY.c.state)):
        counts.setdefault((row.sink, row.kind), {})[row.state] = row.n
    return counts


def _written_as(connection: sa.Connection, sink: str) -> str:
    """Return the resource type (``Type/id``) of what reached a FHIR server last; the index ends with ``next_time``."""
    there = sa.and_(DELIVERY.c.sink == sink, DELIVERY.c.state == DeliveryState.DELIVERED.value)
    query = sa.select(DELIVERY.c.object_id).where(there).order_by(DELIVERY.c.next_time.desc()).limit(1)
    return str(connection.execute(query).scalar() or "").partition("/")[0]


def _owed(counts: dict[str, int]) -> int:
    return sum(counts.get(state, 0) for state in DeliveryState)


def _summary(name: str, kind: str, row: sa.Row[Any] | None, counts: dict[str, int], *, configured: bool) -> SinkSummary:
    state = SinkState.CLOSED
    if row is not None and row.open_since is not None:
        state = SinkState.HALF_OPEN if counts.get(DeliveryState.SENDING) else SinkState.OPEN
    return SinkSummary(
        name, kind, configured, state, row.failures if row else 0, row.reason if row else "",
        counts.get(DeliveryState.HELD, 0), counts.get(DeliveryState.DUE, 0), counts.get(DeliveryState.SENDING, 0),
        counts.get(DeliveryState.DEAD_LETTER, 0), row.open_since if row else None, row.probe_time if row else None,
    )  # fmt: skip
