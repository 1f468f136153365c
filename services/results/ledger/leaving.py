"""What may leave for a sink next: the order of one case's revisions there, and what each takes the place of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.results.ledger.findings import Finding, Predecessor
from services.results.ledger.machines import OPEN_DELIVERY
from services.results.ledger.outcomes import REPLACED
from services.results.ledger.recalled import finding_recalled
from services.results.ledger.tables import DELIVERY, FINDING
from shared.domain.case import Currency, DeliveryState, FindingKind

NOTHING_LEFT = "nothing of the case had left for this sink"
"""Reason of a withdrawal whose original turned out never to have left."""


def asks_a_person() -> sa.ColumnElement[bool]:
    """Tell which dead letters (joined with their finding) somebody must look at: nobody else brings them there."""
    return sa.and_(
        DELIVERY.c.state == DeliveryState.DEAD_LETTER.value, DELIVERY.c.moved.is_(False),
        FINDING.c.currency == Currency.CURRENT.value, DELIVERY.c.reason != NOTHING_LEFT,
    )  # fmt: skip


def following(sink: str, now: datetime) -> sa.Select[Any]:
    """Due, or its sender's lease has passed; and no earlier revision of the case still moves at this sink."""
    earlier = DELIVERY.alias("earlier")
    unsettled = (
        sa.select(earlier.c.delivery_id)
        .where(
            earlier.c.case_id == DELIVERY.c.case_id, earlier.c.sink == DELIVERY.c.sink,
            earlier.c.revision < DELIVERY.c.revision, earlier.c.state.in_([state.value for state in OPEN_DELIVERY]),
        )
        .exists()
    )  # fmt: skip
    ready = sa.or_(
        sa.and_(DELIVERY.c.state == DeliveryState.DUE.value, DELIVERY.c.next_time <= now),
        sa.and_(DELIVERY.c.state == DeliveryState.SENDING.value, DELIVERY.c.lease_until < now),
    )
    query = sa.select(DELIVERY).where(DELIVERY.c.sink == sink, ready, ~unsettled)
    return query.order_by(DELIVERY.c.next_time, DELIVERY.c.created_time).limit(1)


def pointless(connection: sa.Connection, row: sa.Row[Any]) -> str:
    """Return why a ready delivery must not leave any more; empty where it must."""
    finding = connection.execute(sa.select(FINDING).where(FINDING.c.finding_id == row.finding_id)).one()
    if finding.currency != Currency.CURRENT:
        return REPLACED
    if finding.kind == FindingKind.WITHDRAWN and connection.execute(_there(row)).first() is None:
        return NOTHING_LEFT
    return finding_recalled(connection, finding)


def predecessors(
    connection: sa.Connection, row: sa.Row[Any], finding: Finding, names: Sequence[str]
) -> tuple[Predecessor, ...]:
    """Return what is, or may be, at the sink and has no successor there yet, oldest first; other names of its own too.

    The name of an object changes where the site file changes between two tries; the first may have arrived.
    """
    columns = (DELIVERY, FINDING.c.kind.label("finding_kind"))
    joined = sa.select(*columns).join(FINDING, FINDING.c.finding_id == DELIVERY.c.finding_id)
    query = joined.where(_earlier(row), _still_there())
    found = [
        Predecessor(p.finding_id, p.revision, FindingKind(p.finding_kind), name, p.location)
        for p in connection.execute(query.order_by(DELIVERY.c.revision))
        for name in (*p.other_ids.split(), p.object_id)
        if name
    ]
    own = [Predecessor(finding.finding_id, finding.revision, finding.kind, name, "") for name in names]
    return (*found, *own)


def names(row: sa.Row[Any], *, but: str) -> tuple[str, ...]:
    """Return the names under which earlier tries may have left the object, without the one it has now."""
    told = (*row.other_ids.split(), row.object_id) if row.maybe_there > 0 else ()
    return tuple(dict.fromkeys(name for name in told if name and name != but))


def earlier_rows(row: sa.Row[Any]) -> sa.Update:
    """Return the update of everything a delivered row takes the place of: at its own sink, and nowhere else.

    What lies at the sink it was redirected from lies there still, and is owed what comes after it.
    """
    return DELIVERY.update().where(_earlier(row), DELIVERY.c.sink == row.sink)


def _there(row: sa.Row[Any]) -> sa.Select[Any]:
    return sa.select(DELIVERY.c.delivery_id).where(_earlier(row), _still_there()).limit(1)


def _still_there() -> sa.ColumnElement[bool]:
    return sa.and_(DELIVERY.c.replaced.is_(False), DELIVERY.c.maybe_there > 0)


def _earlier(row: sa.Row[Any]) -> sa.ColumnElement[bool]:
    """Earlier revisions at the sink, or at the one this delivery was redirected from."""
    sinks = [row.sink, *([row.from_sink] if row.from_sink else [])]
    return sa.and_(DELIVERY.c.case_id == row.case_id, DELIVERY.c.sink.in_(sinks), DELIVERY.c.revision < row.revision)
