"""Announcements in SQL, beside the facts they announce."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sql

from services.lab_consumer.adapters import rows
from services.lab_consumer.adapters.database import in_turn
from services.lab_consumer.adapters.tables import OUTBOX
from services.lab_consumer.ports import Announcement

_OPEN = OUTBOX.c.announced_time.is_(None)


class SqlOutbox:
    """The port ``Outbox``; the engine is borrowed."""

    def __init__(self, engine: sql.Engine) -> None:
        self._engine = engine

    def due(self, now: datetime) -> tuple[Announcement, ...]:
        """Return the newest due announcement of each patient, oldest first."""
        newest = (
            sql.select(sql.func.max(OUTBOX.c.sequence)).where(_OPEN).group_by(OUTBOX.c.authority, OUTBOX.c.identifier)
        )
        query = (
            sql.select(OUTBOX)
            .where(OUTBOX.c.sequence.in_(newest), OUTBOX.c.due_time <= rows.stamp(now))
            .order_by(OUTBOX.c.sequence)
        )
        with in_turn(self._engine) as connection:
            return tuple(rows.announcement_of(row) for row in connection.execute(query))

    def waiting(self) -> int:
        """Return how many announcements results does not have."""
        with in_turn(self._engine) as connection:
            return int(connection.execute(sql.select(sql.func.count()).select_from(OUTBOX).where(_OPEN)).scalar() or 0)

    def announced(self, announcement: Announcement, now: datetime) -> None:
        """Settle it and the older ones of the same patient."""
        identity = announcement.identity
        place = sql.and_(
            OUTBOX.c.authority == identity.authority,
            OUTBOX.c.identifier == identity.identifier,
            OUTBOX.c.sequence <= announcement.sequence,
            _OPEN,
        )
        with in_turn(self._engine) as connection:
            connection.execute(sql.update(OUTBOX).where(place).values(announced_time=rows.stamp(now)))

    def postpone(self, announcement: Announcement, until: datetime) -> None:
        """Try again at ``until``."""
        values = {"tries": announcement.tries + 1, "due_time": rows.stamp(until)}
        place = OUTBOX.c.sequence == announcement.sequence
        with in_turn(self._engine) as connection:
            connection.execute(sql.update(OUTBOX).where(place).values(values))
