"""Slides in SQL (the ports ``Store`` and ``Outbox``); the engine is borrowed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sql

from services.slide_ingestion.adapters.database import in_turn, looking
from services.slide_ingestion.adapters.rows import ORDER, STUDY, digest, slide_of, stamp
from services.slide_ingestion.adapters.tables import NOTICES, ORDERS, SLIDES, SUBMISSIONS
from services.slide_ingestion.adapters.writing import SqlWriting
from services.slide_ingestion.ports.outbox import Notice, Submission
from services.slide_ingestion.ports.slides import SlideRow
from shared.domain.slide_orders import OrderStatus
from shared.domain.slide_registry import SlideState

_AT_ONCE = 100
_CLOSED = '"closed":true'
"""Of a row as ``rows`` writes it: few are, so they need no column of their own."""
_OPEN = SUBMISSIONS.c.submitted_time.is_(None)
_UNTOLD = NOTICES.c.told_time.is_(None)


@dataclass(frozen=True, slots=True)
class SqlSlides:
    """The port ``Store``."""

    engine: sql.Engine
    now: Callable[[], datetime]

    @contextmanager
    def writing(self) -> Iterator[SqlWriting]:
        """Open a transaction."""
        with in_turn(self.engine) as connection:
            yield SqlWriting(connection, self.now())

    def rows(self, door: str) -> tuple[SlideRow, ...]:
        """Return every slide of a door."""
        return self._slides(sql.select(SLIDES.c.content).where(SLIDES.c.door == door))

    def row(self, slide_id: str) -> SlideRow | None:
        """Return one slide."""
        return next(iter(self._slides(sql.select(SLIDES.c.content).where(SLIDES.c.slide_id == slide_id))), None)

    def to_check(self) -> SlideRow | None:
        """Return the slide that waits longest."""
        query = sql.select(SLIDES.c.content).where(SLIDES.c.state == SlideState.CHECKING.value)
        return next(iter(self._slides(query.order_by(SLIDES.c.state_time).limit(1))), None)

    def closed(self) -> tuple[SlideRow, ...]:
        """Return the slides that are held because this service may not read them."""
        held = sql.and_(SLIDES.c.state == SlideState.HELD.value, SLIDES.c.content.contains(_CLOSED))
        found = self._slides(sql.select(SLIDES.c.content).where(held))
        return tuple(one for one in found if one.closed and not one.gone)

    def open_containers(self, limit: int) -> tuple[tuple[str, str], ...]:
        """Return (order id, container) of active orders without a slide, newest first."""
        taken = sql.exists().where(SLIDES.c.order_id == ORDERS.c.order_id)
        query = sql.select(ORDERS.c.content).where(
            ORDERS.c.status == OrderStatus.ACTIVE.value, ORDERS.c.has_container, ~taken
        )
        with looking(self.engine) as connection:
            found = connection.execute(query.order_by(ORDERS.c.sequence.desc()).limit(limit)).scalars().all()
        return tuple((one.order_id, one.container) for one in map(ORDER.validate_json, found))

    def newest(self, state: SlideState | None, limit: int) -> tuple[SlideRow, ...]:
        """Return slides, newest first."""
        query = sql.select(SLIDES.c.content).order_by(SLIDES.c.seen_time.desc(), SLIDES.c.slide_id).limit(limit)
        return self._slides(query if state is None else query.where(SLIDES.c.state == state.value))

    def named(self, prefix: str) -> tuple[SlideRow, ...]:
        """Return slides whose id begins so, two at most."""
        begins = SLIDES.c.slide_id.startswith(prefix, autoescape=True)
        return self._slides(sql.select(SLIDES.c.content).where(begins).limit(2))

    def cases_of(self, keys: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return the cases results made of these submissions."""
        query = sql.select(SUBMISSIONS.c.key, SUBMISSIONS.c.case_ids).where(
            SUBMISSIONS.c.key_digest.in_([digest(key) for key in keys])
        )
        with looking(self.engine) as connection:
            return {row.key: tuple(json.loads(row.case_ids)) for row in connection.execute(query)}

    def counts(self) -> dict[str, int]:
        """Return how many slides are in each state."""
        query = sql.select(SLIDES.c.state, sql.func.count()).group_by(SLIDES.c.state)
        with looking(self.engine) as connection:
            found = {str(state): int(number) for state, number in connection.execute(query)}
        return {state.value: found.get(state.value, 0) for state in SlideState}

    def _slides(self, query: sql.Select[Any]) -> tuple[SlideRow, ...]:
        with looking(self.engine) as connection:
            return tuple(slide_of(content) for content in connection.execute(query).scalars())


@dataclass(frozen=True, slots=True)
class SqlOutbox:
    """The port ``Outbox``."""

    engine: sql.Engine

    def due(self, now: datetime) -> tuple[Submission, ...]:
        """Return due submissions, oldest first."""
        query = sql.select(SUBMISSIONS).where(_OPEN, SUBMISSIONS.c.due_time <= stamp(now))
        with looking(self.engine) as connection:
            rows = connection.execute(query.order_by(SUBMISSIONS.c.due_time).limit(_AT_ONCE)).all()
        return tuple(
            Submission(row.key, row.request_id, row.slide_id, STUDY.validate_json(row.study), row.tries) for row in rows
        )

    def submitted(self, submission: Submission, case_ids: Sequence[str], now: datetime) -> None:
        """Settle one; one that changed since has another request id and stays due."""
        self._set(submission, submitted_time=stamp(now), case_ids=json.dumps(list(case_ids)))

    def postpone(self, submission: Submission, until: datetime) -> None:
        """Try again at ``until``."""
        self._set(submission, tries=submission.tries + 1, due_time=stamp(until))

    def notices_due(self, now: datetime) -> tuple[Notice, ...]:
        """Return due notices, oldest first."""
        query = sql.select(NOTICES).where(_UNTOLD, NOTICES.c.due_time <= stamp(now)).order_by(NOTICES.c.due_time)
        with looking(self.engine) as connection:
            rows = connection.execute(query.limit(_AT_ONCE)).all()
        return tuple(Notice(row.notice_id, row.kind, row.text, row.tries) for row in rows)

    def noticed(self, notice: Notice, now: datetime) -> None:
        """Settle one."""
        self._set_notice(notice, told_time=stamp(now))

    def postpone_notice(self, notice: Notice, until: datetime) -> None:
        """Try again at ``until``."""
        self._set_notice(notice, tries=notice.tries + 1, due_time=stamp(until))

    def waiting(self) -> int:
        """Return how much results does not have."""
        counts = [sql.select(sql.func.count()).where(where) for where in (_OPEN, _UNTOLD)]
        with looking(self.engine) as connection:
            return sum(int(connection.execute(one).scalar() or 0) for one in counts)

    def _set(self, submission: Submission, **values: Any) -> None:
        place = sql.and_(
            SUBMISSIONS.c.key_digest == digest(submission.key), SUBMISSIONS.c.request_id == submission.request_id
        )
        with in_turn(self.engine) as connection:
            connection.execute(sql.update(SUBMISSIONS).where(place).values(values))

    def _set_notice(self, notice: Notice, **values: Any) -> None:
        with in_turn(self.engine) as connection:
            connection.execute(sql.update(NOTICES).where(NOTICES.c.notice_id == notice.notice_id).values(values))
