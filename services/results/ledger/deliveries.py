"""The delivery machine: what is due, in order, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from services.results.ledger.codec import load
from services.results.ledger.database import open_engine, reading, writing
from services.results.ledger.findings import DueDelivery, Finding, Predecessor
from services.results.ledger.machines import OPEN_DELIVERY
from services.results.ledger.outcomes import REPLACED
from services.results.ledger.record import move, tell
from services.results.ledger.tables import DELIVERY, FINDING
from shared.domain.case import Currency, DeliveryState, FindingKind
from shared.domain.errors import ConflictError

ACTOR = "deliver"


@dataclass(frozen=True, slots=True)
class LedgerDeliveries:
    """Due deliveries of the ledger at ``engine``; safe to use from several threads and processes."""

    engine: sa.Engine

    @classmethod
    def at(cls, url: str) -> LedgerDeliveries:
        """Open the ledger at a SQLAlchemy URL."""
        return cls(open_engine(url))

    def take_due(
        self, sink: str, now: datetime, lease_s: float, object_id: Callable[[Finding], str]
    ) -> DueDelivery | None:
        """Take the next due delivery of ``sink`` (due -> sending), earliest revision of a case first, or None.

        The name the object will have is written down before it is sent: what arrives without our learning of it must
        be named by its replacement all the same.
        """
        with reading(self.engine) as connection:
            if connection.execute(_next(sink, now)).first() is None:
                return None
        with writing(self.engine) as connection:
            row = connection.execute(_next(sink, now).with_for_update(skip_locked=True)).first()
            if row is None:
                return None
            body = sa.select(FINDING.c.body).where(FINDING.c.finding_id == row.finding_id)
            finding = load(connection.execute(body).scalar_one(), Finding)
            self._move(connection, row, DeliveryState.SENDING, now, f"try {row.tries + 1}", tries=row.tries + 1,
                       token=row.token + 1, lease_until=now + timedelta(seconds=lease_s),
                       object_id=object_id(finding))  # fmt: skip
            before = self._predecessors(connection, row)
        return DueDelivery(row.delivery_id, row.token + 1, row.tries + 1, finding, before)

    def delivered(self, due: DueDelivery, object_id: str, location: str, now: datetime) -> None:
        """Record that the object was sent and read back (sending -> delivered).

        Raises:
            ConflictError: If the token is stale: somebody else has the delivery.
        """
        with writing(self.engine) as connection:
            row = self._ours(connection, due)
            self._move(connection, row, DeliveryState.DELIVERED, now, "read back", object_id=object_id,
                       location=location, lease_until=None, deadline_time=None)  # fmt: skip
            earlier = DELIVERY.update().where(
                DELIVERY.c.case_id == row.case_id, DELIVERY.c.sink == row.sink, DELIVERY.c.revision < row.revision
            )
            connection.execute(earlier.values(replaced=True))

    def postpone(self, due: DueDelivery, reason: str, next_time: datetime, now: datetime) -> None:
        """Record a temporary failure (sending -> due, from ``next_time`` on); what was replaced meanwhile ends here."""
        with writing(self.engine) as connection:
            row = self._ours(connection, due)
            query = sa.select(FINDING.c.currency).where(FINDING.c.finding_id == row.finding_id)
            if connection.execute(query).scalar() != Currency.CURRENT:
                self._move(
                    connection, row, DeliveryState.DEAD_LETTER, now, REPLACED, lease_until=None, deadline_time=None
                )
                return
            self._move(connection, row, DeliveryState.DUE, now, reason, next_time=next_time, lease_until=None)

    def give_up(self, due: DueDelivery, reason: str, now: datetime) -> None:
        """Record a permanent failure (sending -> dead_letter); a person is told."""
        with writing(self.engine) as connection:
            row = self._ours(connection, due)
            self._move(connection, row, DeliveryState.DEAD_LETTER, now, reason, lease_until=None, deadline_time=None)
            text = f"sink {row.sink}: {reason}"
            tell(connection, "dead_letter", text, now, case_id=row.case_id, key=f"{row.delivery_id}|{row.token}")

    def _move(
        self, connection: sa.Connection, row: sa.Row[Any], to_state: DeliveryState, now: datetime, reason: str,
        **values: Any,
    ) -> None:  # fmt: skip
        states = (DeliveryState(row.state), to_state)
        move(connection, "delivery", row.case_id, states, subject=f"{row.sink} {row.revision}", time=now, actor=ACTOR,
             reason=reason)  # fmt: skip
        shown = "" if to_state in {DeliveryState.SENDING, DeliveryState.DELIVERED} else reason
        query = DELIVERY.update().where(DELIVERY.c.delivery_id == row.delivery_id)
        connection.execute(query.values(state=to_state.value, reason=shown, **values))

    def _ours(self, connection: sa.Connection, due: DueDelivery) -> sa.Row[Any]:
        query = sa.select(DELIVERY).where(DELIVERY.c.delivery_id == due.delivery_id).with_for_update()
        row = connection.execute(query).first()
        if row is None or row.state != DeliveryState.SENDING or row.token != due.token:
            raise ConflictError(f"delivery {due.delivery_id} is no longer ours (token {due.token})")
        return row

    def _predecessors(self, connection: sa.Connection, row: sa.Row[Any]) -> tuple[Predecessor, ...]:
        query = (
            sa.select(DELIVERY, FINDING.c.kind.label("finding_kind"))
            .join(FINDING, FINDING.c.finding_id == DELIVERY.c.finding_id)
            .where(
                DELIVERY.c.case_id == row.case_id, DELIVERY.c.sink == row.sink, DELIVERY.c.revision < row.revision,
                DELIVERY.c.replaced.is_(False), DELIVERY.c.object_id != "",
            )
            .order_by(DELIVERY.c.revision)
        )  # fmt: skip
        return tuple(
            Predecessor(p.finding_id, p.revision, FindingKind(p.finding_kind), p.object_id, p.location)
            for p in connection.execute(query)
        )


def _next(sink: str, now: datetime) -> sa.Select[Any]:
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
