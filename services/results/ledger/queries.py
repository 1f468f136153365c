"""What people and other services may read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.results.ledger.codec import load
from services.results.ledger.database import reading
from services.results.ledger.findings import Finding
from services.results.ledger.machines import FINAL_INFERENCE
from services.results.ledger.pages import page
from services.results.ledger.proposals import open_of
from services.results.ledger.tables import CASE, DELIVERY, FINDING, NOTICE, TRANSITION
from shared.domain.case import (
    CaseDetail,
    CaseSummary,
    Currency,
    DeliveryState,
    DeliverySummary,
    FindingKind,
    FindingSummary,
    InferenceState,
    Notice,
    ReviewState,
    Transition,
)
from shared.domain.errors import ConflictError, NotFoundError
from shared.domain.identity import PatientIdentity
from shared.domain.study import Study

DEFAULT_PAGE = 100
SHORTEST_PREFIX = 8


@dataclass(frozen=True, slots=True)
class Queries:
    """Read-only views."""

    engine: sa.Engine

    def cases(self, now: datetime, page_size: int = 0, study_instance_uid: str = "") -> tuple[CaseSummary, ...]:
        """Return cases, newest first."""
        query = sa.select(CASE).order_by(CASE.c.created_time.desc(), CASE.c.case_id)
        query = query.limit(page(page_size, DEFAULT_PAGE))
        if study_instance_uid:
            query = query.where(CASE.c.study_instance_uid == study_instance_uid)
        with reading(self.engine) as connection:
            return tuple(_summary(row, now) for row in connection.execute(query))

    def case(self, case_id: str, now: datetime) -> CaseDetail:
        """Return everything about one case; a unique prefix will do.

        Raises:
            NotFoundError: If there is none.
            ConflictError: If the prefix is not unique.
        """
        with reading(self.engine) as connection:
            row = _find(connection, case_id)
            mine = row.case_id
            findings = connection.execute(_of(FINDING, mine).order_by(FINDING.c.revision))
            deliveries = connection.execute(_of(DELIVERY, mine).order_by(DELIVERY.c.revision, DELIVERY.c.sink))
            steps = connection.execute(_of(TRANSITION, mine).order_by(TRANSITION.c.transition_id))
            study = load(row.study, Study)
            return CaseDetail(
                _summary(row, now),
                tuple(_finding(finding) for finding in findings),
                tuple(_delivery(delivery) for delivery in deliveries),
                tuple(_transition(step) for step in steps),
                f"{study.completeness.evidence}: {study.completeness.detail}",
                study.side,
                study.study_date,
                study.panel,
                open_of(row),
                study.slide,
            )

    def open_cases(self, identity: PatientIdentity) -> tuple[str, ...]:
        """Return the ids of a patient's cases that changed facts lead back to their inputs."""
        query = sa.select(CASE.c.case_id).where(
            CASE.c.authority == identity.authority,
            CASE.c.identifier == identity.identifier,
            CASE.c.closed.is_(False),
        )
        with reading(self.engine) as connection:
            return tuple(connection.execute(query).scalars())

    def notices(self, page_size: int = 0) -> tuple[Notice, ...]:
        """Return notices, newest first."""
        query = sa.select(NOTICE).order_by(NOTICE.c.time.desc()).limit(page(page_size, DEFAULT_PAGE))
        with reading(self.engine) as connection:
            return tuple(Notice(n.notice_id, n.kind, n.text, n.time, n.case_id) for n in connection.execute(query))


def _find(connection: sa.Connection, case_id: str) -> sa.Row[Any]:
    if len(case_id) < SHORTEST_PREFIX:
        raise NotFoundError("case", case_id)
    query = sa.select(CASE).where(CASE.c.case_id.startswith(case_id, autoescape=True)).limit(2)
    rows = list(connection.execute(query))
    if not rows:
        raise NotFoundError("case", case_id)
    if len(rows) > 1:
        raise ConflictError(f"several cases begin with {case_id}; give more digits")
    return rows[0]


def _of(table: sa.Table, case_id: str) -> sa.Select[Any]:
    return sa.select(table).where(table.c.case_id == case_id)


def _summary(row: sa.Row[Any], now: datetime) -> CaseSummary:
    state = InferenceState(row.state)
    waiting = state not in FINAL_INFERENCE or row.review == ReviewState.WAITING
    return CaseSummary(
        row.case_id, row.predictor, row.study_instance_uid, state, ReviewState(row.review), row.reason, row.revision,
        row.attempts, row.deadline_time, row.updated_time,
        overdue=bool(waiting and row.deadline_time and row.deadline_time < now),
    )  # fmt: skip


def _finding(row: sa.Row[Any]) -> FindingSummary:
    if not row.body:  # erased
        kind, currency = FindingKind(row.kind), Currency(row.currency)
        return FindingSummary(
            row.finding_id, row.revision, kind, currency, row.result_key, row.created_time, None, None
        )
    body = load(row.body, Finding)
    return FindingSummary(
        row.finding_id, row.revision, body.kind, Currency(row.currency), row.result_key, row.created_time,
        body.prediction, body.not_analysed,
    )  # fmt: skip


def _delivery(row: sa.Row[Any]) -> DeliverySummary:
    return DeliverySummary(
        row.delivery_id, row.finding_id, row.revision, row.sink, row.kind, DeliveryState(row.state), row.tries,
        row.location, row.reason,
    )  # fmt: skip


def _transition(row: sa.Row[Any]) -> Transition:
    return Transition(row.machine, row.subject, row.from_state, row.to_state, row.time, row.actor, row.reason)
