"""Panels in SQL: the registry of draws, and the outbox that hands them to results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sql

from services.lab_consumer.adapters.rows import stamp
from services.lab_consumer.adapters.tables import PANELS
from services.lab_consumer.ports.outbox import PanelReport
from services.lab_consumer.ports.panels import Panel
from shared.domain.identity import PatientIdentity

_OPEN = PANELS.c.submitted_time.is_(None)
MOST_AT_ONCE = 200
"""Panels handed over before changed facts get their turn."""


def of(connection: sql.Connection, identities: Sequence[PatientIdentity]) -> tuple[Panel, ...]:
    """Return the panels that were opened for one of these identities."""
    mine = [sql.and_(PANELS.c.authority == one.authority, PANELS.c.identifier == one.identifier) for one in identities]
    query = sql.select(PANELS).where(sql.or_(*mine)).order_by(PANELS.c.opened_time, PANELS.c.uid)
    return tuple(_panel(row) for row in connection.execute(query))


def keep(connection: sql.Connection, panel: Panel, request_id: str, now: datetime) -> None:
    """Insert or update a panel; a ``request_id`` makes it due."""
    values: dict[str, Any] = {
        "authority": panel.identity.authority, "identifier": panel.identity.identifier,
        "analytes": " ".join(panel.analytes), "first_date": panel.first.isoformat(),
        "last_date": panel.last.isoformat(), "facts": json.dumps(sorted(panel.facts)),
        "opened_time": stamp(panel.opened_time), "taken_back": panel.taken_back,
    }  # fmt: skip
    if request_id:
        values |= {"request_id": request_id, "tries": 0, "due_time": stamp(now), "submitted_time": None}
    if not connection.execute(sql.update(PANELS).where(PANELS.c.uid == panel.uid).values(values)).rowcount:
        connection.execute(sql.insert(PANELS).values(uid=panel.uid, **values))


def due(connection: sql.Connection, now: datetime, free: sql.ColumnElement[bool]) -> tuple[PanelReport, ...]:
    """Return the due panels, oldest first, where ``free`` holds."""
    query = sql.select(PANELS).where(_OPEN, PANELS.c.due_time <= stamp(now), free).order_by(PANELS.c.due_time)
    found = connection.execute(query.limit(MOST_AT_ONCE))
    return tuple(PanelReport(row.request_id, _panel(row), row.tries) for row in found)


def settle(connection: sql.Connection, report: PanelReport, **values: Any) -> None:
    """Write what became of a report; a panel that changed since has another request id and stays due."""
    connection.execute(sql.update(PANELS).where(PANELS.c.request_id == report.request_id).values(values))


def waiting(connection: sql.Connection) -> int:
    """Return how many panels results does not have."""
    return int(connection.execute(sql.select(sql.func.count()).select_from(PANELS).where(_OPEN)).scalar() or 0)


def _panel(row: sql.Row[Any]) -> Panel:
    return Panel(
        row.uid, PatientIdentity(row.authority, row.identifier), tuple(row.analytes.split()),
        date.fromisoformat(row.first_date), date.fromisoformat(row.last_date), frozenset(json.loads(row.facts)),
        datetime.fromisoformat(row.opened_time), row.taken_back,
    )  # fmt: skip
