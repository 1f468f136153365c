"""Reading the audit chain, and telling it who looked at what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from services.results.ledger import audit
from services.results.ledger.database import reading, writing
from services.results.ledger.governance_tables import AUDIT
from services.results.ledger.keys import Keys
from shared.domain.audit import Anchor, AuditRow
from shared.domain.identity import PatientIdentity

DEFAULT_PAGE = 500
LARGEST_PAGE = 5000


@dataclass(frozen=True, slots=True)
class Trail:
    """The ledger's side of ListAudit, of anchors, and of views."""

    engine: sa.Engine
    keys: Keys

    def rows(
        self, after: int = 0, page_size: int = 0, case_id: str = "", identity: PatientIdentity | None = None
    ) -> tuple[AuditRow, ...]:
        """Return rows behind ``after``, in order; of one case (a prefix will do) or of one patient where asked."""
        query = sa.select(AUDIT).where(AUDIT.c.number > after).order_by(AUDIT.c.number)
        if case_id:
            query = query.where(AUDIT.c.case_id.startswith(case_id, autoescape=True))
        if identity is not None:
            query = query.where(AUDIT.c.patient == self.keys.patient(identity))
        limit = min(page_size or DEFAULT_PAGE, LARGEST_PAGE)
        with reading(self.engine) as connection:
            return tuple(AuditRow(**row) for row in connection.execute(query.limit(limit)).mappings())

    def anchor(self, now: datetime) -> Anchor:
        """Return the head of the chain, to be written down where the ledger's owner cannot rewrite it."""
        with reading(self.engine) as connection:
            number, digest = audit.head(connection)
        return Anchor(number, digest, now)

    def hash_of(self, number: int) -> str:
        """Return the hash of a row as it stands; empty where there is none."""
        with reading(self.engine) as connection:
            return connection.execute(sa.select(AUDIT.c.hash).where(AUDIT.c.number == number)).scalar() or ""

    def viewed(self, act: str, actor: str, now: datetime, case_ids: tuple[str, ...]) -> None:
        """Record that somebody was shown cases.

        Raises:
            TemporaryError: If it cannot be recorded; then nothing is shown.
        """
        with writing(self.engine) as connection:
            for case_id in case_ids:
                audit.note(connection, act, case_id, time=now, actor=actor, case_id=case_id)
