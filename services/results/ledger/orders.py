"""The outbox: a case and the order to run it are written in one transaction (system rule 4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from services.results.ledger.database import reading, writing
from services.results.ledger.policy import Policy
from services.results.ledger.tables import CASE, ORDER
from shared.domain.case import InferenceState


@dataclass(frozen=True, slots=True)
class Order:
    """Run this revision of this case."""

    case_id: str
    revision: int


def place(connection: sa.Connection, case_id: str, revision: int, now: datetime) -> None:
    """Write the order, or have it sent again."""
    where = (ORDER.c.case_id == case_id, ORDER.c.revision == revision)
    again = connection.execute(ORDER.update().where(*where).values(next_time=now, sent_time=None))
    if again.rowcount == 0:
        values = {"case_id": case_id, "revision": revision, "created_time": now, "next_time": now, "sends": 0}
        connection.execute(ORDER.insert().values(**values))


@dataclass(frozen=True, slots=True)
class Orders:
    """What the dispatcher moves to Celery, and what the reconciler brings back."""

    engine: sa.Engine
    policy: Policy

    def due(self, now: datetime, limit: int = 50) -> tuple[Order, ...]:
        """Return orders to send: still queued, and never sent or due again."""
        query = (
            sa.select(ORDER.c.case_id, ORDER.c.revision)
            .join(CASE, CASE.c.case_id == ORDER.c.case_id)
            .where(ORDER.c.next_time <= now, *_still_queued())
            .order_by(ORDER.c.created_time)
            .limit(limit)
        )
        with reading(self.engine) as connection:
            return tuple(Order(*row) for row in connection.execute(query))

    def sent(self, order: Order, now: datetime) -> None:
        """Record that the order is with Celery; unclaimed, it is due again later (twice as long each time)."""
        where = (ORDER.c.case_id == order.case_id, ORDER.c.revision == order.revision)
        with writing(self.engine) as connection:
            sends = connection.execute(sa.select(ORDER.c.sends).where(*where)).scalar() or 0
            pause = self.policy.redispatch * 2 ** min(sends, 6)
            values = {"sent_time": now, "sends": sends + 1, "next_time": now + pause}
            connection.execute(ORDER.update().where(*where).values(**values))

    def lost(self, before: datetime, now: datetime) -> int:
        """Make due again what was sent before ``before`` and is still unclaimed: the queue is known to be empty."""
        queued = sa.select(CASE.c.case_id).where(CASE.c.state == InferenceState.QUEUED.value)
        query = ORDER.update().where(
            ORDER.c.sent_time.is_not(None),
            ORDER.c.sent_time < before,
            ORDER.c.next_time > now,
            ORDER.c.case_id.in_(queued),
        )
        with writing(self.engine) as connection:
            return connection.execute(query.values(next_time=now, sends=0)).rowcount

    def waiting(self) -> int:
        """Return how many cases are queued."""
        query = sa.select(sa.func.count()).select_from(CASE).where(CASE.c.state == InferenceState.QUEUED.value)
        with reading(self.engine) as connection:
            return int(connection.execute(query).scalar() or 0)


def _still_queued() -> tuple[sa.ColumnElement[bool], ...]:
    return (CASE.c.state == InferenceState.QUEUED.value, CASE.c.revision == ORDER.c.revision)
