"""One transaction of the slides' database (the port ``Writing``)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sql

from services.slide_ingestion.adapters.rows import ORDER, STUDY, digest, slide_columns, slide_of, stamp, whose
from services.slide_ingestion.adapters.tables import ERASED, NAMES, NOTICES, ORDERS, REQUESTS, SLIDES, SUBMISSIONS
from services.slide_ingestion.handlers.verdict import NO_ORDER
from services.slide_ingestion.handlers.whose import glass_of, names_of
from services.slide_ingestion.ports.slides import SlideRow
from shared.domain.slide_orders import SlideOrder
from shared.domain.slide_registry import SlideState
from shared.domain.study import Study

_MOST = 1000


@dataclass(frozen=True, slots=True)
class SqlWriting:
    """Borrows the connection."""

    connection: sql.Connection
    now: datetime

    def slide(self, slide_id: str) -> SlideRow | None:
        """Return the slide of this id."""
        return next(iter(self._slides(SLIDES.c.slide_id == slide_id)), None)

    def at(self, door: str, place: str) -> SlideRow | None:
        """Return the slide at this place."""
        return next(iter(self._slides(SLIDES.c.place_digest == digest(door, place))), None)

    def keep(self, row: SlideRow) -> None:
        """Insert or replace a slide."""
        _upsert(self.connection, SLIDES, {"slide_id": row.slide_id}, slide_columns(row))
        self._name("slide", row.slide_id, [*names_of(row), row.glass])

    def forget(self, slide_id: str) -> None:
        """Remove a slide; what results has of it stays."""
        self.connection.execute(SLIDES.delete().where(SLIDES.c.slide_id == slide_id))
        self._name("slide", slide_id, [])

    def of_digest(self, digest: str) -> tuple[SlideRow, ...]:
        """Return the slides with this content."""
        return self._slides(SLIDES.c.digest == digest)

    def of_glass(self, glass: str) -> tuple[SlideRow, ...]:
        """Return the slides that are pictures of this glass."""
        return self._slides(SLIDES.c.glass_digest == digest(glass))

    def touched_by(self, order: SlideOrder) -> tuple[str, ...]:
        """Return the slides that go by a name of the order, or had it before."""
        named = sql.select(NAMES.c.owner).where(
            NAMES.c.kind == "slide", NAMES.c.name_digest.in_([digest(name) for name in _names(order)])
        )
        had = sql.select(SLIDES.c.slide_id).where(SLIDES.c.order_id == order.order_id)
        found = [*self.connection.execute(named).scalars(), *self.connection.execute(had).scalars()]
        return tuple(dict.fromkeys(found))

    def without_order(self) -> tuple[SlideRow, ...]:
        """Return the slides that wait for one, newest first."""
        held = sql.and_(SLIDES.c.state == SlideState.HELD.value, SLIDES.c.order_id == "", SLIDES.c.gone.is_(False))
        query = sql.select(SLIDES.c.content).where(held).order_by(SLIDES.c.seen_time.desc()).limit(_MOST)
        rows = (slide_of(content) for content in self.connection.execute(query).scalars())
        return tuple(row for row in rows if row.reason == NO_ORDER)

    def order(self, order_id: str) -> SlideOrder | None:
        """Return an order."""
        query = sql.select(ORDERS.c.content).where(ORDERS.c.order_id == order_id)
        content = self.connection.execute(query).scalar()
        return None if content is None else ORDER.validate_json(content)

    def keep_order(self, order: SlideOrder) -> None:
        """Insert or replace an order."""
        last = self.connection.execute(sql.select(sql.func.max(ORDERS.c.sequence))).scalar() or 0
        values = {
            "sequence": last + 1, "status": order.status.value, **whose(order.identity),
            "has_container": bool(order.container), "recorded_time": stamp(order.recorded_time),
            "kept_time": stamp(self.now), "content": ORDER.dump_json(order).decode(),
        }  # fmt: skip
        _upsert(self.connection, ORDERS, {"order_id": order.order_id}, values)
        self._name("order", order.order_id, _names(order))

    def orders_for(self, names: Sequence[str]) -> tuple[SlideOrder, ...]:
        """Return the orders that go by one of these names."""
        owners = sql.select(NAMES.c.owner).where(
            NAMES.c.kind == "order", NAMES.c.name_digest.in_([digest(name) for name in names])
        )
        query = sql.select(ORDERS.c.content).where(ORDERS.c.order_id.in_(owners)).order_by(ORDERS.c.sequence)
        return tuple(ORDER.validate_json(content) for content in self.connection.execute(query).scalars())

    def submit(self, key: str, slide_id: str, study: Study, request_id: str) -> None:
        """Make it due; what was due before under this key is replaced."""
        values = {
            "key": key, "slide_id": slide_id, "request_id": request_id, **whose(study.identity),
            "study": STUDY.dump_json(study).decode(), "tries": 0, "due_time": stamp(self.now), "submitted_time": None,
        }  # fmt: skip
        _upsert(self.connection, SUBMISSIONS, {"key_digest": digest(key)}, values, {"case_ids": "[]"})

    def submitted(self, key: str) -> Study | None:
        """Return what results has or will have."""
        query = sql.select(SUBMISSIONS.c.study).where(SUBMISSIONS.c.key_digest == digest(key))
        content = self.connection.execute(query).scalar()
        return None if content is None else STUDY.validate_json(content)

    def tell(self, kind: str, text: str) -> None:
        """Make a notice due."""
        self.connection.execute(NOTICES.insert().values(
            notice_id=uuid.uuid4().hex, kind=kind, text=text, tries=0, due_time=stamp(self.now), told_time=None
        ))  # fmt: skip

    def was_erased(self, mark: str) -> bool:
        """Tell whether it was erased."""
        return self.connection.execute(sql.select(ERASED.c.mark).where(ERASED.c.mark == mark)).first() is not None

    def answered(self, request_id: str) -> str | None:
        """Return what this request was answered."""
        return self.connection.execute(
            sql.select(REQUESTS.c.answer).where(REQUESTS.c.request_id == request_id)
        ).scalar()

    def answer(self, request_id: str, answer: str) -> None:
        """Remember it."""
        _upsert(self.connection, REQUESTS, {"request_id": request_id}, {"answer": answer, "time": stamp(self.now)})

    def _slides(self, where: sql.ColumnElement[bool]) -> tuple[SlideRow, ...]:
        query = sql.select(SLIDES.c.content).where(where).order_by(SLIDES.c.seen_time, SLIDES.c.slide_id).limit(_MOST)
        return tuple(slide_of(content) for content in self.connection.execute(query).scalars())

    def _name(self, kind: str, owner: str, names: Iterable[str]) -> None:
        wanted = {digest(name) for name in names if name}
        mine = sql.and_(NAMES.c.kind == kind, NAMES.c.owner == owner)
        held = set(self.connection.execute(sql.select(NAMES.c.name_digest).where(mine)).scalars())
        if held - wanted:
            self.connection.execute(NAMES.delete().where(mine, NAMES.c.name_digest.in_(held - wanted)))
        rows = [{"kind": kind, "owner": owner, "name_digest": one} for one in sorted(wanted - held)]
        if rows:
            self.connection.execute(NAMES.insert(), rows)


def _names(order: SlideOrder) -> list[str]:
    return [name for name in (order.container and f"c:{order.container}", glass_of(order.specimen)) if name]


def _upsert(
    connection: sql.Connection, table: sql.Table, key: dict[str, str], values: dict[str, Any],
    first: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    where = [table.c[name] == value for name, value in key.items()]
    if not connection.execute(sql.update(table).where(*where).values(values)).rowcount:
        connection.execute(sql.insert(table).values(**key, **values, **(first or {})))
