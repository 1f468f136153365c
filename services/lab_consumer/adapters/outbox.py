"""Announcements in SQL, beside the facts they announce."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile

import sqlalchemy as sql

from services.lab_consumer.adapters import panels, rows
from services.lab_consumer.adapters.database import in_turn, looking
from services.lab_consumer.adapters.tables import OUTBOX, PATIENT_CHANGES, REFUSALS
from services.lab_consumer.ports.outbox import Announcement, ChangeReport, PanelReport

_AT_ONCE = 500
"""Announcements looked up together: a backlog must not hold up whoever writes."""
_OPEN = OUTBOX.c.announced_time.is_(None)
_SETTLE = (
    sql.update(OUTBOX)
    .where(
        OUTBOX.c.authority == sql.bindparam("of_authority"),
        OUTBOX.c.identifier == sql.bindparam("of_identifier"),
        OUTBOX.c.sequence <= sql.bindparam("until"),
        _OPEN,
    )
    .values(announced_time=sql.bindparam("moment"))
)
_CHANGE_OPEN = PATIENT_CHANGES.c.announced_time.is_(None)
_CHANGES_OPEN = sql.exists(sql.select(PATIENT_CHANGES.c.sequence).where(_CHANGE_OPEN))


class SqlOutbox:
    """The port ``Outbox``; the engine is borrowed."""

    def __init__(self, engine: sql.Engine) -> None:
        self._engine = engine

    def due(self, now: datetime) -> tuple[Announcement, ...]:
        """Return the newest due announcement of each patient, oldest first; none while a change of patients is open."""
        newest = (
            sql.select(sql.func.max(OUTBOX.c.sequence)).where(_OPEN).group_by(OUTBOX.c.authority, OUTBOX.c.identifier)
        )
        query = (
            sql.select(OUTBOX)
            .where(OUTBOX.c.sequence.in_(newest), OUTBOX.c.due_time <= rows.stamp(now), ~_CHANGES_OPEN)
            .order_by(OUTBOX.c.sequence)
            .limit(_AT_ONCE)
        )
        with looking(self._engine) as connection:
            return tuple(rows.announcement_of(row) for row in connection.execute(query))

    def waiting(self) -> int:
        """Return how many announcements and panels results does not have."""
        with looking(self._engine) as connection:
            told = int(connection.execute(sql.select(sql.func.count()).select_from(OUTBOX).where(_OPEN)).scalar() or 0)
            return told + panels.waiting(connection)

    def announced(self, announcements: Sequence[Announcement], now: datetime) -> None:
        """Settle them, and the older ones of the same patients, at once."""
        settled = [
            rows.of_identity(one.identity) | {"until": one.sequence, "moment": rows.stamp(now)} for one in announcements
        ]
        if settled:
            with in_turn(self._engine) as connection:
                connection.execute(_SETTLE, settled)

    def changes_due(self, now: datetime) -> tuple[ChangeReport, ...]:
        """Return the changes to tell now, oldest first: none that stands behind one which is not due."""
        query = sql.select(PATIENT_CHANGES).where(_CHANGE_OPEN).order_by(PATIENT_CHANGES.c.sequence)
        with looking(self._engine) as connection:
            found = takewhile(lambda row: row.due_time <= rows.stamp(now), list(connection.execute(query)))
        return tuple(ChangeReport(row.sequence, row.request_id, rows.change_of(row), row.tries) for row in found)

    def change_announced(self, report: ChangeReport, now: datetime) -> None:
        """Settle it."""
        self._set_change(report, announced_time=rows.stamp(now))

    def postpone_change(self, report: ChangeReport, until: datetime) -> None:
        """Try again at ``until``."""
        self._set_change(report, tries=report.tries + 1, due_time=rows.stamp(until))

    def panels_due(self, now: datetime) -> tuple[PanelReport, ...]:
        """Return the due panels, oldest first; none while a change of patients is open."""
        with looking(self._engine) as connection:
            return panels.due(connection, now, ~_CHANGES_OPEN)

    def panel_submitted(self, report: PanelReport, now: datetime) -> None:
        """Settle it, unless the panel has changed since."""
        with in_turn(self._engine) as connection:
            panels.settle(connection, report, submitted_time=rows.stamp(now))

    def postpone_panel(self, report: PanelReport, until: datetime) -> None:
        """Try again at ``until``."""
        with in_turn(self._engine) as connection:
            panels.settle(connection, report, tries=report.tries + 1, due_time=rows.stamp(until))

    def tell(self, reason: str, now: datetime) -> None:
        """Show a person, among the refusals, that something cannot be announced."""
        values = {"source": "", "element": "", "code": "transient", "reason": reason, "recorded_time": rows.stamp(now)}
        with in_turn(self._engine) as connection:
            connection.execute(sql.insert(REFUSALS).values(values))

    def _set_change(self, report: ChangeReport, **values: int | str) -> None:
        place = PATIENT_CHANGES.c.sequence == report.sequence
        with in_turn(self._engine) as connection:
            connection.execute(sql.update(PATIENT_CHANGES).where(place).values(values))

    def postpone(self, announcement: Announcement, until: datetime) -> None:
        """Try again at ``until``."""
        values = {"tries": announcement.tries + 1, "due_time": rows.stamp(until)}
        place = OUTBOX.c.sequence == announcement.sequence
        with in_turn(self._engine) as connection:
            connection.execute(sql.update(OUTBOX).where(place).values(values))
