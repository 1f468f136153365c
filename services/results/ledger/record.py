"""The only place that moves a state: checks the table, writes the transition; and tells a person."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from services.results.ledger import audit
from services.results.ledger.codec import digest
from services.results.ledger.machines import check
from services.results.ledger.tables import NOTICE, TRANSITION


def move(
    connection: sa.Connection,
    machine: str,
    case_id: str,
    states: tuple[str, str],
    *,
    subject: str = "",
    time: datetime,
    actor: str,
    reason: str,
) -> str:
    """Record one transition and return the new state; the caller writes it into its own row.

    Raises:
        ConflictError: If the machine has no such transition.
    """
    check(machine, *states)
    connection.execute(
        TRANSITION.insert().values(
            case_id=case_id, machine=machine, subject=subject or case_id, from_state=str(states[0]),
            to_state=str(states[1]), time=time, actor=actor, reason=reason,
        )
    )  # fmt: skip
    audit.note(connection, f"transition.{machine}", subject or case_id, time=time, actor=actor, case_id=case_id,
               step=f"{states[0]} -> {states[1]}", reason=reason)  # fmt: skip
    return str(states[1])


def tell(connection: sa.Connection, kind: str, text: str, time: datetime, *, case_id: str = "", key: str = "") -> str:
    """Record something a person must see, once per ``key`` (default: kind, text and case); return its id."""
    notice_id = digest("notice", kind, key or text, case_id)[:32]
    known = connection.execute(sa.select(NOTICE.c.notice_id).where(NOTICE.c.notice_id == notice_id)).first()
    if known is None:
        values = {"notice_id": notice_id, "kind": kind, "text": text, "case_id": case_id, "time": time}
        connection.execute(NOTICE.insert().values(**values))
        audit.note(connection, "notice", notice_id, time=time, actor="results", case_id=case_id, kind=kind)
    return notice_id
