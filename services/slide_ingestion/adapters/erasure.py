"""Erasing a patient: slides, orders, what results was told, and what was fetched of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sql

from services.slide_ingestion.adapters.cache import SlideCache
from services.slide_ingestion.adapters.database import NAME, in_turn
from services.slide_ingestion.adapters.rows import slide_of, stamp, whose
from services.slide_ingestion.adapters.tables import ERASED, NAMES, ORDERS, SLIDES, SUBMISSIONS
from services.slide_ingestion.handlers.look import mark_of
from services.slide_ingestion.handlers.naming import Names
from services.slide_ingestion.handlers.studies import DICOM_DOOR
from services.slide_ingestion.ports.slides import SlideRow
from shared.domain.errors import UnavailableError
from shared.domain.identity import PatientIdentity
from shared.storage import databases


@dataclass(frozen=True, slots=True)
class Erased:
    """What was removed."""

    slides: int
    orders: int
    files: int
    left_files: int
    """In the site's own folders."""


@dataclass(frozen=True, slots=True)
class SqlErasure:
    """The port of the erasure's door; the engine is borrowed."""

    engine: sql.Engine
    cache: SlideCache
    names: Names
    folders: frozenset[str]
    """Names of the doors whose files are the site's own."""
    now: Callable[[], datetime]

    def __call__(self, identity: PatientIdentity) -> Erased:
        """Remove everything about a patient.

        Raises:
            UnavailableError: If the database cannot be reached, or results is still to be told something about her
                slides: it would come after the ledger was emptied.
        """
        with in_turn(self.engine) as connection:
            rows = _slides(connection, identity)
            if _untold(connection, identity):
                raise UnavailableError("results has yet to hear of a slide of this patient: nothing is erased so far")
            orders = self._forget(connection, identity, rows)
        files = sum(self.cache.remove(row.slide_id) for row in rows)
        with databases.asked(NAME):
            databases.compact(self.engine)
        left = sum(len(row.files) for row in rows if row.door in self.folders and not row.gone)
        return Erased(len(rows), orders, files, left)

    def _forget(self, connection: sql.Connection, identity: PatientIdentity, rows: list[SlideRow]) -> int:
        for row in rows:
            self._mark(connection, row)
            connection.execute(SLIDES.delete().where(SLIDES.c.slide_id == row.slide_id))
            connection.execute(NAMES.delete().where(NAMES.c.kind == "slide", NAMES.c.owner == row.slide_id))
            connection.execute(SUBMISSIONS.delete().where(SUBMISSIONS.c.slide_id == row.slide_id))
        connection.execute(SUBMISSIONS.delete().where(*_is(SUBMISSIONS, identity)))
        gone = list(connection.execute(sql.select(ORDERS.c.order_id).where(*_is(ORDERS, identity))).scalars())
        connection.execute(NAMES.delete().where(NAMES.c.kind == "order", NAMES.c.owner.in_(gone)))
        connection.execute(ORDERS.delete().where(*_is(ORDERS, identity)))
        return len(gone)

    def _mark(self, connection: sql.Connection, row: SlideRow) -> None:
        """Remember, by a keyed digest, files that lie there still: they must not come in again by themselves.

        A study that is sent again after its objects were erased is new.
        """
        if row.door == DICOM_DOOR or row.gone:
            return
        mark = mark_of(self.names, row.door, row.place, row.files)
        connection.execute(ERASED.delete().where(ERASED.c.mark == mark))
        connection.execute(ERASED.insert().values(mark=mark, erased_time=stamp(self.now())))


def _slides(connection: sql.Connection, identity: PatientIdentity) -> list[SlideRow]:
    """Return the slides that name her themselves, by an order of hers, or that results had as hers."""
    orders = sql.select(ORDERS.c.order_id).where(*_is(ORDERS, identity))
    told = sql.select(SUBMISSIONS.c.slide_id).where(*_is(SUBMISSIONS, identity))
    mine = sql.or_(sql.and_(*_is(SLIDES, identity)), SLIDES.c.order_id.in_(orders), SLIDES.c.slide_id.in_(told))
    return [slide_of(one) for one in connection.execute(sql.select(SLIDES.c.content).where(mine)).scalars()]


def _untold(connection: sql.Connection, identity: PatientIdentity) -> bool:
    query = sql.select(SUBMISSIONS.c.key_digest).where(
        *_is(SUBMISSIONS, identity), SUBMISSIONS.c.submitted_time.is_(None)
    )
    return connection.execute(query.limit(1)).first() is not None


def _is(table: sql.Table, identity: PatientIdentity) -> tuple[sql.ColumnElement[bool], ...]:
    return tuple(table.c[name] == value for name, value in whose(identity).items())
