"""Wishes, cursors and event numbers in SQL, beside the facts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sql

from services.lab_consumer.adapters import rows
from services.lab_consumer.adapters.database import in_turn
from services.lab_consumer.adapters.tables import CURSORS, PULLS, SUBSCRIPTIONS
from services.lab_consumer.ports.pulling import Wish
from shared.domain.identity import PatientIdentity

_OPEN = PULLS.c.done_time.is_(None)


class SqlPullQueue:
    """The port ``PullQueue`` for one server; the engine is borrowed."""

    def __init__(self, engine: sql.Engine, server: str) -> None:
        self._engine, self._server = engine, server.rstrip("/")[:512]

    def want(self, wishes: Sequence[Wish], now: datetime) -> int:
        """Remember wishes, due at once; return how many are new."""
        with in_turn(self._engine) as connection:
            return sum(_want(connection, wish, rows.stamp(now)) for wish in wishes)

    def due(self, now: datetime, limit: int) -> tuple[Wish, ...]:
        """Return wishes that are due, oldest first."""
        query = sql.select(PULLS).where(_OPEN, PULLS.c.due_time <= rows.stamp(now)).order_by(PULLS.c.sequence)
        with in_turn(self._engine) as connection:
            return tuple(_wish(row) for row in connection.execute(query.limit(limit)))

    def settle(self, wish: Wish, now: datetime) -> None:
        """A wish is fulfilled, unless it came again meanwhile."""
        place = sql.and_(_what(wish), PULLS.c.wishes == wish.wishes)
        with in_turn(self._engine) as connection:
            if wish.identity is None:
                connection.execute(sql.delete(PULLS).where(place))
            else:
                connection.execute(sql.update(PULLS).where(place).values(done_time=rows.stamp(now)))

    def postpone(self, wish: Wish, until: datetime) -> None:
        """Try again at ``until``."""
        values = {"tries": wish.tries + 1, "due_time": rows.stamp(until)}
        with in_turn(self._engine) as connection:
            connection.execute(sql.update(PULLS).where(_what(wish)).values(values))

    def waiting(self) -> int:
        """Return how many wishes are open."""
        with in_turn(self._engine) as connection:
            return int(connection.execute(sql.select(sql.func.count()).select_from(PULLS).where(_OPEN)).scalar() or 0)

    def cursor(self, resource_type: str) -> str:
        """Return ``meta.lastUpdated`` up to which this type was polled; empty: never."""
        with in_turn(self._engine) as connection:
            found = connection.execute(sql.select(CURSORS.c.since).where(self._place(resource_type))).scalar()
        return found or ""

    def advance(self, resource_type: str, since: str) -> None:
        """Remember how far this type was polled."""
        place, values = self._place(resource_type), {"since": since}
        with in_turn(self._engine) as connection:
            if not connection.execute(sql.update(CURSORS).where(place).values(values)).rowcount:
                named = {"server": self._server, "resource_type": resource_type}
                connection.execute(sql.insert(CURSORS).values(named | values))

    def event(self, subscription: str) -> int | None:
        """Return the number of the last event heard of a subscription; None: none was."""
        query = sql.select(SUBSCRIPTIONS.c.event).where(SUBSCRIPTIONS.c.name == _name(subscription))
        with in_turn(self._engine) as connection:
            return connection.execute(query).scalar()

    def heard(self, subscription: str, event: int) -> None:
        """Remember it."""
        place = SUBSCRIPTIONS.c.name == _name(subscription)
        with in_turn(self._engine) as connection:
            if not connection.execute(sql.update(SUBSCRIPTIONS).where(place).values(event=event)).rowcount:
                connection.execute(sql.insert(SUBSCRIPTIONS).values(name=_name(subscription), event=event))

    def _place(self, resource_type: str) -> sql.ColumnElement[bool]:
        return sql.and_(CURSORS.c.server == self._server, CURSORS.c.resource_type == resource_type)


def _want(connection: sql.Connection, wish: Wish, now: str) -> bool:
    again = sql.update(PULLS).where(_what(wish), _OPEN).values(wishes=PULLS.c.wishes + 1, due_time=now, tries=0)
    if wish.identity is None and connection.execute(again).rowcount:
        return False
    if connection.execute(sql.select(PULLS.c.sequence).where(_what(wish))).first():
        return False
    connection.execute(sql.insert(PULLS).values(_columns(wish) | {"wishes": 1, "tries": 0, "due_time": now}))
    return True


def _columns(wish: Wish) -> dict[str, Any]:
    return {
        "resource_type": wish.resource_type,
        "resource_id": wish.resource_id,
        "authority": wish.identity.authority if wish.identity else "",
        "identifier": wish.identity.identifier if wish.identity else "",
    }


def _what(wish: Wish) -> sql.ColumnElement[bool]:
    return sql.and_(*(PULLS.c[name] == value for name, value in _columns(wish).items()))


def _wish(row: sql.Row[Any]) -> Wish:
    identity = PatientIdentity(row.authority, row.identifier) if row.authority else None
    return Wish(row.resource_type, row.resource_id, identity, row.wishes, row.tries)


def _name(subscription: str) -> str:
    return hashlib.sha256(subscription.encode()).hexdigest()
