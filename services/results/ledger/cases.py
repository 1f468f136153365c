"""Rows of cases: read one, move one, ask one again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.results.ledger.record import move
from services.results.ledger.tables import CASE
from shared.domain.case import InferenceState
from shared.domain.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Step:
    """Who moves a case, when, and why."""

    actor: str
    time: datetime
    reason: str


def locked(connection: sa.Connection, case_id: str) -> sa.Row[Any]:
    """Return the row of a case, locked until the transaction ends (SQLite has one writer anyway).

    Raises:
        NotFoundError: If there is none of this id.
    """
    row = connection.execute(sa.select(CASE).where(CASE.c.case_id == case_id).with_for_update()).first()
    if row is None:
        raise NotFoundError("case", case_id)
    return row


def advance(connection: sa.Connection, row: sa.Row[Any], to_state: InferenceState, step: Step, **values: Any) -> None:
    """Move a case along the inference machine and write ``values`` into its row."""
    move(
        connection,
        "inference",
        row.case_id,
        (row.state, to_state),
        time=step.time,
        actor=step.actor,
        reason=step.reason,
    )
    change(connection, row.case_id, step.time, state=to_state.value, reason=step.reason, **values)


def change(connection: sa.Connection, case_id: str, now: datetime, **values: Any) -> None:
    """Write ``values`` into the row of a case."""
    connection.execute(CASE.update().where(CASE.c.case_id == case_id).values(updated_time=now, **values))


def look_again(connection: sa.Connection, case_ids: list[str], now: datetime) -> int:
    """Have dispatch evaluate these cases at once; return their number."""
    if case_ids:
        connection.execute(CASE.update().where(CASE.c.case_id.in_(case_ids)).values(evaluate_time=now))
    return len(case_ids)
