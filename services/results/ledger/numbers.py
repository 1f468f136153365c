"""How much of what the ledger holds: for metrics and health. Counts and ages, never a row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from services.results.ledger.database import reading
from services.results.ledger.governance_tables import AUDIT
from services.results.ledger.machines import FINAL_INFERENCE, OPEN_DELIVERY
from services.results.ledger.tables import ATTEMPT, CASE, DELIVERY, NOTICE, ORDER, SINK, TRANSITION
from shared.domain.case import InferenceState, ReviewState

Counted = dict[tuple[str, ...], float]
"""A number by label values."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Read-only; every call is one short query.

    Each raises ``UnavailableError`` if the database cannot be reached.
    """

    engine: sa.Engine

    def reachable(self) -> None:
        """Return if the ledger answers."""
        with reading(self.engine) as connection:
            connection.execute(sa.select(CASE.c.case_id).limit(1)).first()

    def cases(self) -> Counted:
        """Return cases by state."""
        return self._counted(CASE.c.state)

    def attempts(self) -> Counted:
        """Return attempts by state."""
        return self._counted(ATTEMPT.c.state)

    def deliveries(self) -> Counted:
        """Return deliveries by sink and state."""
        return self._counted(DELIVERY.c.sink, DELIVERY.c.state)

    def notices(self) -> int:
        """Return how many notices there are."""
        with reading(self.engine) as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(NOTICE)).scalar() or 0)

    def audit_head(self) -> int:
        """Return the number of the last row of the audit chain; 0 where there is none."""
        with reading(self.engine) as connection:
            return int(connection.execute(sa.select(sa.func.max(AUDIT.c.number))).scalar() or 0)

    def open_sinks(self, now: datetime) -> Counted:
        """Return, by sink whose circuit breaker is open, for how long it has been, in seconds."""
        query = sa.select(SINK.c.sink, SINK.c.open_since).where(SINK.c.open_since.is_not(None))
        with reading(self.engine) as connection:
            return {(sink,): _age(since, now) for sink, since in connection.execute(query)}

    def orders_waiting(self, now: datetime) -> int:
        """Return how many orders are due and not with Celery."""
        query = (
            sa.select(sa.func.count())
            .select_from(ORDER.join(CASE, CASE.c.case_id == ORDER.c.case_id))
            .where(
                CASE.c.state == InferenceState.QUEUED.value,
                CASE.c.revision == ORDER.c.revision,
                ORDER.c.next_time <= now,
            )
        )
        with reading(self.engine) as connection:
            return int(connection.execute(query).scalar() or 0)

    def oldest_cases(self, now: datetime) -> Counted:
        """Return, by state that must end, for how long its oldest case has been in it, in seconds."""
        final = [state.value for state in FINAL_INFERENCE]
        entered = (
            sa.select(CASE.c.case_id, CASE.c.state, sa.func.max(TRANSITION.c.time).label("since"))
            .join(TRANSITION, TRANSITION.c.case_id == CASE.c.case_id)
            .where(CASE.c.state.not_in(final), TRANSITION.c.machine == "inference")
            .group_by(CASE.c.case_id, CASE.c.state)
            .subquery()
        )
        query = sa.select(entered.c.state, sa.func.min(entered.c.since)).group_by(entered.c.state)
        waiting = sa.select(sa.func.min(CASE.c.updated_time)).where(CASE.c.review == ReviewState.WAITING.value)
        with reading(self.engine) as connection:
            ages: Counted = {(state,): _age(since, now) for state, since in connection.execute(query)}
            review = connection.execute(waiting).scalar()
        return ages | ({("review",): _age(review, now)} if review else {})

    def oldest_deliveries(self, now: datetime) -> Counted:
        """Return, by sink, for how long its oldest delivery has been owed, in seconds."""
        still_open = DELIVERY.c.state.in_([state.value for state in OPEN_DELIVERY])
        query = sa.select(DELIVERY.c.sink, sa.func.min(DELIVERY.c.created_time)).where(still_open)
        with reading(self.engine) as connection:
            return {(sink,): _age(since, now) for sink, since in connection.execute(query.group_by(DELIVERY.c.sink))}

    def _counted(self, *columns: sa.Column[str]) -> Counted:
        query = sa.select(*columns, sa.func.count()).group_by(*columns)
        with reading(self.engine) as connection:
            return {tuple(row[:-1]): float(row[-1]) for row in connection.execute(query)}


def _age(since: datetime, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds())
