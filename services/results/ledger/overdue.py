"""No state can be waited in for ever: what has passed its deadline is told to a person, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from services.results.ledger.database import reading, writing
from services.results.ledger.machines import FINAL_INFERENCE, OPEN_DELIVERY
from services.results.ledger.policy import Policy
from services.results.ledger.record import tell
from services.results.ledger.sinks import open_for_long, tell_open, tell_removed
from services.results.ledger.tables import CASE, DELIVERY, SINK
from shared.domain.case import DeliveryState, ReviewState


@dataclass(frozen=True, slots=True)
class Overdue:
    """Finds passed deadlines of cases, reviews and deliveries, and sinks that are down."""

    engine: sa.Engine
    policy: Policy

    def tell(self, now: datetime) -> int:
        """Tell a person about everything newly overdue; return how much that was."""
        cases, deliveries, sinks = _cases(now), _deliveries(now), open_for_long(self.policy, now)
        with reading(self.engine) as connection:
            if not any(connection.execute(query.limit(1)).first() for query in (cases, deliveries, sinks)):
                return 0
        with writing(self.engine) as connection:
            down = tell_open(connection, self.policy, now)
            late_cases, late_deliveries = list(connection.execute(cases)), list(connection.execute(deliveries))
            for case in late_cases:
                text = f"still {case.state} after its deadline ({case.reason})"
                tell(
                    connection,
                    "overdue_case",
                    text,
                    now,
                    case_id=case.case_id,
                    key=f"{case.case_id}|{case.deadline_time}",
                )
                connection.execute(CASE.update().where(CASE.c.case_id == case.case_id).values(told=True))
            for item in late_deliveries:
                text = f"sink {item.sink}: still {item.state} after its deadline ({item.reason or 'no reason yet'})"
                key = f"{item.delivery_id}|{item.deadline_time}"
                tell(connection, "overdue_delivery", text, now, case_id=item.case_id, key=key)
                where = DELIVERY.c.delivery_id == item.delivery_id
                connection.execute(DELIVERY.update().where(where).values(told=True))
        return down + len(late_cases) + len(late_deliveries)

    def tell_removed(self, now: datetime) -> int:
        """Tell a person about sinks that are no longer in the site file and still owed something; return how many."""
        with writing(self.engine) as connection:
            return tell_removed(connection, self.policy, now)


def _cases(now: datetime) -> sa.Select[tuple[object, ...]]:
    final = [state.value for state in FINAL_INFERENCE]
    waits = sa.or_(CASE.c.state.not_in(final), CASE.c.review == ReviewState.WAITING.value)
    return sa.select(CASE).where(CASE.c.deadline_time < now, CASE.c.told.is_(False), waits)


def _deliveries(now: datetime) -> sa.Select[tuple[object, ...]]:
    """What waits for an open sink is told with its sink, not one by one."""
    still_open = DELIVERY.c.state.in_([state.value for state in OPEN_DELIVERY])
    waits = sa.select(SINK.c.sink).where(SINK.c.sink == DELIVERY.c.sink, SINK.c.open_since.is_not(None)).exists()
    late = sa.and_(DELIVERY.c.deadline_time < now, DELIVERY.c.told.is_(False))
    return sa.select(DELIVERY).where(late, still_open, sa.or_(DELIVERY.c.state != DeliveryState.DUE.value, ~waits))
