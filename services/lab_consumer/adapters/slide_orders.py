"""Orders for slides in SQL: the outbox that hands them to slide ingestion, each order in its latest version."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sql
from pydantic import TypeAdapter

from services.lab_consumer.adapters.database import in_turn, looking
from services.lab_consumer.adapters.rows import stamp
from services.lab_consumer.adapters.tables import REFUSALS, SLIDE_ORDERS
from services.lab_consumer.ports.outbox import OrderReport
from shared.domain.identity import PatientIdentity
from shared.domain.slide_orders import SlideOrder

_ORDER: TypeAdapter[SlideOrder] = TypeAdapter(SlideOrder)
_OPEN = SLIDE_ORDERS.c.recorded_time.is_(None)
_AT_ONCE = 200


def hand_over(
    connection: sql.Connection, order: SlideOrder, request_id: str, now: datetime, only_of: PatientIdentity | None
) -> None:
    """Insert or update an order, due now; with ``only_of`` nothing where it is on record for somebody else."""
    whose = order.identity
    values: dict[str, Any] = {
        "authority": whose.authority if whose else "", "identifier": whose.identifier if whose else "",
        "content": _ORDER.dump_json(order).decode(), "request_id": request_id, "tries": 0, "due_time": stamp(now),
        "recorded_time": None,
    }  # fmt: skip
    columns, here = SLIDE_ORDERS.c, [SLIDE_ORDERS.c.order_id == order.order_id]
    if only_of:
        here += [columns.authority == only_of.authority, columns.identifier == only_of.identifier]
    changed = connection.execute(sql.update(SLIDE_ORDERS).where(*here).values(values)).rowcount
    if not changed and not only_of:
        connection.execute(sql.insert(SLIDE_ORDERS).values(order_id=order.order_id, **values))


class SqlOrderOutbox:
    """The port ``OrderOutbox``; the engine is borrowed."""

    def __init__(self, engine: sql.Engine) -> None:
        self._engine = engine

    def due(self, now: datetime) -> tuple[OrderReport, ...]:
        """Return the due orders, oldest first."""
        query = sql.select(SLIDE_ORDERS).where(_OPEN, SLIDE_ORDERS.c.due_time <= stamp(now))
        with looking(self._engine) as connection:
            found = connection.execute(query.order_by(SLIDE_ORDERS.c.due_time).limit(_AT_ONCE))
            return tuple(OrderReport(row.request_id, _ORDER.validate_json(row.content), row.tries) for row in found)

    def recorded(self, report: OrderReport, now: datetime) -> None:
        """Settle it; an order that changed since has another request id and stays due."""
        self._set(report, recorded_time=stamp(now))

    def postpone(self, report: OrderReport, until: datetime) -> None:
        """Try again at ``until``."""
        self._set(report, tries=report.tries + 1, due_time=stamp(until))

    def waiting(self) -> int:
        """Return how many orders slide ingestion does not have."""
        with looking(self._engine) as connection:
            query = sql.select(sql.func.count()).select_from(SLIDE_ORDERS).where(_OPEN)
            return int(connection.execute(query).scalar() or 0)

    def tell(self, reason: str, now: datetime) -> None:
        """Show a person, among the refusals, that an order cannot be handed over."""
        values = {"source": "", "element": "", "code": "transient", "reason": reason, "recorded_time": stamp(now)}
        with in_turn(self._engine) as connection:
            connection.execute(sql.insert(REFUSALS).values(values))

    def _set(self, report: OrderReport, **values: Any) -> None:
        place = SLIDE_ORDERS.c.request_id == report.request_id
        with in_turn(self._engine) as connection:
            connection.execute(sql.update(SLIDE_ORDERS).where(place).values(values))
