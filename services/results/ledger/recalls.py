"""Recall of a bundle: refused from the moment it is recorded, then every result it gave is withdrawn, in batches.

What is left to do is read from the ledger itself (current findings of recalled bundles, cases pinned to them), not from
a cursor: a batch that was killed is simply taken again, and an answer that slipped in beside the recall is found too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.results.ledger import audit
from services.results.ledger.attempts import ask_anew
from services.results.ledger.cases import Step, locked
from services.results.ledger.codec import digest as digest_of
from services.results.ledger.codec import load
from services.results.ledger.database import reading, writing
from services.results.ledger.governance_tables import RECALL
from services.results.ledger.keys import Keys
from services.results.ledger.leaving import NOTHING_LEFT
from services.results.ledger.policy import Policy
from services.results.ledger.recalled import answered_by, pinned_bundles, why_recalled
from services.results.ledger.record import tell
from services.results.ledger.requests import once
from services.results.ledger.retraction import retract
from services.results.ledger.tables import CASE, DELIVERY, FINDING
from shared.domain.case import Currency, DeliveryState, InferenceState, Pins
from shared.domain.governance import Recall
from shared.domain.prediction import BundleReference

BATCH = 20
"""Cases withdrawn in one transaction: other writers get their turn in between."""
_AT_WORK = (InferenceState.QUEUED.value, InferenceState.RUNNING.value)


@dataclass(frozen=True, slots=True)
class Recalls:
    """The ledger's side of RecallBundle, and what works recalls off."""

    engine: sa.Engine
    keys: Keys
    policy: Policy

    def recall(self, request_id: str, bundle_id: str, version: str, digest: str, step: Step) -> Recall:
        """Record the recall; the bundle is used no more from now on. A bundle is recalled once."""
        recall_id = digest_of("recall", bundle_id, version, digest)[:32]
        with writing(self.engine) as connection:
            once(
                connection, request_id, "RecallBundle", step.time,
                lambda: self._record(connection, recall_id, (bundle_id, version, digest), step), actor=step.actor,
            )  # fmt: skip
            row = connection.execute(sa.select(RECALL).where(RECALL.c.recall_id == recall_id)).one()
            return _shown(connection, row)

    def all(self) -> tuple[Recall, ...]:
        """Return every recall and how far it is, newest first."""
        with reading(self.engine) as connection:
            rows = list(connection.execute(sa.select(RECALL).order_by(RECALL.c.created_time.desc())))
            return tuple(_shown(connection, row) for row in rows)

    def why_not(self, bundle: BundleReference) -> str:
        """Return why a bundle must not be used; empty where it may."""
        with reading(self.engine) as connection:
            return why_recalled(connection, bundle.bundle_id, bundle.version, bundle.digest)

    def work(self, now: datetime, limit: int = BATCH) -> int:
        """Withdraw up to ``limit`` results, take queued cases back, close what is complete; return cases moved."""
        with reading(self.engine) as connection:
            if not any(self._is_left(connection, row, now) for row in _rows(connection)):
                return 0
        with writing(self.engine) as connection:
            moved = 0
            for row in _rows(connection):
                moved += self._withdraw(connection, row, now, limit - moved)
                moved += self._take_back(connection, row, now)
                self._close(connection, row, now)
        return moved

    def _record(self, connection: sa.Connection, recall_id: str, named: tuple[str, str, str], step: Step) -> str:
        known = connection.execute(sa.select(RECALL.c.recall_id).where(RECALL.c.recall_id == recall_id)).first()
        if known is None:
            bundle_id, version, digest = named
            values = {
                "recall_id": recall_id, "bundle_id": bundle_id, "version": version, "digest": digest,
                "actor": step.actor, "reason": step.reason, "created_time": step.time,
                "deadline_time": step.time + self.policy.state_deadline, "finished_time": None, "told": False,
            }  # fmt: skip
            connection.execute(RECALL.insert().values(**values))
            audit.note(connection, "recall", recall_id, time=step.time, actor=step.actor, bundle=bundle_id,
                       version=version, digest=digest, reason=step.reason)  # fmt: skip
            tell(connection, "recall", f"model {bundle_id} {version} was recalled: {step.reason}", step.time)
        return recall_id

    def _is_left(self, connection: sa.Connection, row: sa.Row[Any], now: datetime) -> bool:
        if connection.execute(_current(row).limit(1)).first() or _pinned(connection, row):
            return True
        if row.finished_time is not None:
            return False
        shown = _shown(connection, row)
        return _complete(shown) or (now > row.deadline_time and not row.told)

    def _withdraw(self, connection: sa.Connection, row: sa.Row[Any], now: datetime, limit: int) -> int:
        case_ids = list(connection.execute(_current(row).limit(max(limit, 0))).scalars())
        step = Step(row.actor, now, f"the model {row.bundle_id} was recalled: {row.reason}")
        for case_id in case_ids:
            retract(connection, case_id, self.keys, self.policy, step)
        return len(case_ids)

    def _take_back(self, connection: sa.Connection, row: sa.Row[Any], now: datetime) -> int:
        case_ids = _pinned(connection, row)
        step = Step(row.actor, now, f"the model {row.bundle_id} was recalled: {row.reason}")
        for case_id in case_ids:
            ask_anew(connection, locked(connection, case_id), step, self.policy.collect)
        return len(case_ids)

    def _close(self, connection: sa.Connection, row: sa.Row[Any], now: datetime) -> None:
        if row.finished_time is not None:
            return
        shown = _shown(connection, row)
        values: dict[str, datetime | bool] = {}
        if _complete(shown):
            values = {"finished_time": now}
            audit.note(connection, "recall.finished", row.recall_id, time=now, actor="dispatch",
                       cases=shown.case_count, deliveries=shown.confirmed_count)  # fmt: skip
        elif now > row.deadline_time and not row.told:
            values = {"told": True}
            left = shown.delivery_count - shown.confirmed_count
            tell(connection, "overdue_recall", f"recall of {row.bundle_id}: {left} sink(s) have not confirmed", now,
                 key=row.recall_id)  # fmt: skip
        if values:
            connection.execute(RECALL.update().where(RECALL.c.recall_id == row.recall_id).values(**values))


def _rows(connection: sa.Connection) -> list[sa.Row[Any]]:
    return list(connection.execute(sa.select(RECALL).order_by(RECALL.c.created_time)))


def _current(recall: sa.Row[Any]) -> sa.Select[Any]:
    query = sa.select(FINDING.c.case_id).where(answered_by(recall), FINDING.c.currency == Currency.CURRENT.value)
    return query.order_by(FINDING.c.case_id)


def _pinned(connection: sa.Connection, recall: sa.Row[Any]) -> list[str]:
    """Return cases that wait for, or hold, a run of the recalled bundle; a version is not pinned, a digest is."""
    if recall.version and not recall.digest:
        return []
    query = sa.select(CASE.c.case_id, CASE.c.pins).where(CASE.c.state.in_(_AT_WORK), CASE.c.pins.is_not(None))
    pinned = [(row.case_id, load(row.pins, Pins)) for row in connection.execute(query)]
    return [
        case_id
        for case_id, pins in pinned
        if any(one == recall.bundle_id and recall.digest in ("", digest) for one, _, digest in pinned_bundles(pins))
    ]


def _shown(connection: sa.Connection, row: sa.Row[Any]) -> Recall:
    mine = answered_by(row)
    count = sa.func.count(sa.distinct(FINDING.c.case_id))
    cases = connection.execute(sa.select(count).where(mine)).scalar() or 0
    speaking = connection.execute(sa.select(count).where(mine, FINDING.c.currency == Currency.CURRENT.value)).scalar()
    reached = (
        sa.select(DELIVERY.c.case_id, DELIVERY.c.sink, sa.func.max(DELIVERY.c.revision).label("revision"))
        .join(FINDING, FINDING.c.finding_id == DELIVERY.c.finding_id)
        .where(mine, DELIVERY.c.maybe_there > 0)
        .group_by(DELIVERY.c.case_id, DELIVERY.c.sink)
        .subquery()
    )
    later = DELIVERY.alias("later")
    replaced = (
        sa.select(later.c.delivery_id)
        .where(
            later.c.case_id == reached.c.case_id, later.c.revision > reached.c.revision,
            sa.or_(later.c.sink == reached.c.sink, later.c.from_sink == reached.c.sink),
            sa.or_(later.c.state == DeliveryState.DELIVERED.value, later.c.reason == NOTHING_LEFT),
        )
        .exists()
    )  # fmt: skip
    total = connection.execute(sa.select(sa.func.count()).select_from(reached)).scalar() or 0
    confirmed = connection.execute(sa.select(sa.func.count()).select_from(reached).where(replaced)).scalar() or 0
    return Recall(
        row.recall_id, row.bundle_id, row.version, row.digest, row.actor, row.reason, row.created_time, cases,
        cases - (speaking or 0), total, confirmed, row.finished_time,
    )  # fmt: skip


def _complete(shown: Recall) -> bool:
    return shown.withdrawn_count == shown.case_count and shown.confirmed_count == shown.delivery_count
