"""The audit chain: what is told is written in the transaction that did it, hash-chained, and never touched again.

A transaction collects what it did (``note``) and ``database.writing`` seals it last, so that the chain's head is held
for a few statements and the commit only, and no two transactions can wait for each other over it. No identifier of a
patient stands in a row: cases have their own ids, patients a keyed HMAC.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.results.ledger.governance_tables import AUDIT
from services.results.ledger.tables import CASE
from shared.domain.audit import GENESIS, AuditRow, row_hash

_PENDING = "oncorelay_audit"
_TURN = 0x1ED6E4_A0D17
"""Any constant: it names the turn at the chain's head within one PostgreSQL database."""
_LONGEST_TEXT = 240
_LONGEST_DETAIL = 2000
_SHORTEST_SCRUBBED = 3
"""An identifier of one or two characters would take letters out of every word."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done, before it has a place in the chain."""

    act: str
    subject: str
    time: datetime
    actor: str
    case_id: str
    patient: str
    detail: Mapping[str, Any]


def note(
    connection: sa.Connection, act: str, subject: str, *, time: datetime, actor: str, case_id: str = "",
    patient: str = "", **detail: Any,
) -> None:  # fmt: skip
    """Remember for this transaction's part of the chain; ``patient`` is needed only where there is no case."""
    entry = Entry(act, subject, time, actor or "unnamed", case_id, patient, detail)
    connection.info.setdefault(_PENDING, []).append(entry)


def begin(connection: sa.Connection) -> None:
    """Forget what an earlier transaction on this connection noted and never committed."""
    connection.info.pop(_PENDING, None)


def seal(connection: sa.Connection) -> None:
    """Write what was noted to the end of the chain; nothing may be written after it in this transaction."""
    entries: list[Entry] = connection.info.pop(_PENDING, [])
    if not entries:
        return
    cases = _cases(connection, {entry.case_id for entry in entries} - {""})
    if connection.dialect.name == "postgresql":  # SQLite has one writer anyway
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
    number, previous = head(connection)
    rows = []
    for entry in entries:
        number += 1
        row = _row(entry, cases.get(entry.case_id), number, previous)
        previous = row.hash
        rows.append(asdict(row))
    connection.execute(AUDIT.insert(), rows)


def head(connection: sa.Connection) -> tuple[int, str]:
    """Return number and hash of the last row; 0 and ``GENESIS`` where there is none."""
    last = connection.execute(sa.select(AUDIT.c.number, AUDIT.c.hash).order_by(AUDIT.c.number.desc()).limit(1)).first()
    return (last.number, last.hash) if last else (0, GENESIS)


def _row(entry: Entry, case: sa.Row[Any] | None, number: int, previous: str) -> AuditRow:
    patient = entry.patient or (case.patient if case else "")
    detail = _detail(entry.detail, case.identifier if case else "")
    row = AuditRow(number, entry.time, entry.actor[:128], entry.act[:64], entry.subject[:128], entry.case_id[:64],
                   patient, detail, previous)  # fmt: skip
    return replace(row, hash=row_hash(row))


def _detail(detail: Mapping[str, Any], identifier: str) -> str:
    """Return bounded JSON; a reason somebody typed must not carry the patient's identifier into what is kept."""
    tree = {name: _short(value, identifier) for name, value in detail.items()}
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"))
    return text if len(text) <= _LONGEST_DETAIL else json.dumps({"too_long": len(text)})


def _short(value: Any, identifier: str) -> Any:
    if not isinstance(value, str):
        return value
    if len(identifier) >= _SHORTEST_SCRUBBED:
        value = value.replace(identifier, "[identifier]")
    return value[:_LONGEST_TEXT]


def _cases(connection: sa.Connection, case_ids: set[str]) -> dict[str, sa.Row[Any]]:
    if not case_ids:
        return {}
    query = sa.select(CASE.c.case_id, CASE.c.patient, CASE.c.identifier).where(CASE.c.case_id.in_(case_ids))
    rows: dict[str, Any] = {row.case_id: row for row in connection.execute(query)}
    return rows
