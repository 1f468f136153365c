"""What is kept no longer than the site says; the audit, states and deliveries are always kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from services.results.ledger import audit
from services.results.ledger.codec import load
from services.results.ledger.database import writing
from services.results.ledger.exclusions import kept_patches
from services.results.ledger.findings import Finding
from services.results.ledger.machines import OPEN_DELIVERY
from services.results.ledger.policy import Policy
from services.results.ledger.proposals import held_by
from services.results.ledger.tables import CASE, DELIVERY, FINDING, NOTICE, REQUEST
from shared.domain.case import Currency

BATCH = 500
"""Rows removed in one transaction."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Removes what is older than its time."""

    engine: sa.Engine
    policy: Policy

    def purge(self, now: datetime, erase_blob: Callable[[str], None] = lambda _: None) -> int:
        """Remove one batch of each kind; return how many rows that was.

        ``erase_blob`` removes what was stored beside an emptied finding, and nothing that a finding left still names.

        Raises:
            OncoRelayError: If that cannot be removed; its findings stay for the next time.
        """
        policy = self.policy
        if not any((policy.keep_findings, policy.keep_requests, policy.keep_notices)):
            return 0
        removed: dict[str, int] = {}
        with writing(self.engine) as connection:
            if policy.keep_findings:
                removed["findings"] = _empty_findings(connection, now - policy.keep_findings, erase_blob)
            if policy.keep_requests:
                old = REQUEST.c.created_time < now - policy.keep_requests
                removed["requests"] = _delete(connection, REQUEST, REQUEST.c.request_id, old)
            if policy.keep_notices:
                old = NOTICE.c.time < now - policy.keep_notices
                removed["notices"] = _delete(connection, NOTICE, NOTICE.c.notice_id, old)
            if any(removed.values()):
                audit.note(connection, "retention", "purge", time=now, actor="dispatch", removed=removed)
        return sum(removed.values())


def _delete(connection: sa.Connection, table: sa.Table, key: sa.Column[str], old: sa.ColumnElement[bool]) -> int:
    ids = list(connection.execute(sa.select(key).where(old).limit(BATCH)).scalars())
    return connection.execute(table.delete().where(key.in_(ids))).rowcount if ids else 0


def _empty_findings(connection: sa.Connection, before: datetime, erase_blob: Callable[[str], None]) -> int:
    """Empty findings that speak no longer and that no sink still waits for."""
    moving = sa.select(DELIVERY.c.delivery_id).where(
        DELIVERY.c.finding_id == FINDING.c.finding_id, DELIVERY.c.state.in_([state.value for state in OPEN_DELIVERY])
    )
    old = sa.select(FINDING.c.finding_id).where(
        FINDING.c.created_time < before, FINDING.c.currency != Currency.CURRENT.value, FINDING.c.body != "",
        ~moving.exists(),
    )  # fmt: skip
    ids = list(connection.execute(old.limit(BATCH)).scalars())
    if ids:
        for uri in sorted(_unnamed(connection, ids)):
            erase_blob(uri)
        connection.execute(FINDING.update().where(FINDING.c.finding_id.in_(ids)).values(body=""))
    return len(ids)


def _unnamed(connection: sa.Connection, ids: list[str]) -> set[str]:
    """Return what lies beside these findings and beside no other of their cases; what is pinned stays."""
    rows = list(connection.execute(sa.select(FINDING).where(FINDING.c.finding_id.in_(ids))))
    cases = {row.case_id for row in rows}
    left = sa.select(FINDING.c.body).where(
        FINDING.c.case_id.in_(cases), FINDING.c.finding_id.not_in(ids), FINDING.c.body != ""
    )
    named = _beside(connection.execute(left).scalars())
    for case in connection.execute(sa.select(CASE).where(CASE.c.case_id.in_(cases))):
        held = held_by(case)
        named |= {held.proposed.artefact.blob_uri} if held else set()
        named |= kept_patches(case)
    return _beside(row.body for row in rows) - named


def _beside(bodies: Iterable[str]) -> set[str]:
    answers = (load(body, Finding).prediction for body in bodies)
    return {one.blob_uri for answer in answers if answer for one in answer.artefacts}
