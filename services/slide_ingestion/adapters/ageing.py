"""What the slides' database forgets by itself (the port ``Ageing``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sql

from services.slide_ingestion.adapters.database import in_turn
from services.slide_ingestion.adapters.rows import stamp
from services.slide_ingestion.adapters.tables import NAMES, NOTICES, ORDERS, REQUESTS, SLIDES, SUBMISSIONS

_AT_ONCE = 1000
"""Slides, and orders, that one sweep forgets: a database takes only so many values in one statement."""
_ANSWERS = timedelta(days=30)
"""So long a write may be asked again."""


@dataclass(frozen=True, slots=True)
class SqlAgeing:
    """The engine is borrowed."""

    engine: sql.Engine
    now: Callable[[], datetime]

    def forget(self, keep_days: float) -> int:
        """Forget what is older than this and stands for nothing any more; return how much. The rest comes next time."""
        before, answers = stamp(self.now() - timedelta(days=keep_days)), stamp(self.now() - _ANSWERS)
        with in_turn(self.engine) as connection:
            old = sql.and_(SLIDES.c.gone, SLIDES.c.state_time < before)
            slides = list(connection.execute(sql.select(SLIDES.c.slide_id).where(old).limit(_AT_ONCE)).scalars())
            used = sql.exists().where(SLIDES.c.order_id == ORDERS.c.order_id)
            unused = sql.and_(ORDERS.c.kept_time < before, ~used)
            orders = list(connection.execute(sql.select(ORDERS.c.order_id).where(unused).limit(_AT_ONCE)).scalars())
            for table, column, gone in (
                (SLIDES, SLIDES.c.slide_id, slides), (SUBMISSIONS, SUBMISSIONS.c.slide_id, slides),
                (NAMES, NAMES.c.owner, [*slides, *orders]), (ORDERS, ORDERS.c.order_id, orders),
            ):  # fmt: skip
                if gone:
                    connection.execute(table.delete().where(column.in_(gone)))
            connection.execute(NOTICES.delete().where(NOTICES.c.told_time < answers))
            connection.execute(REQUESTS.delete().where(REQUESTS.c.time < answers))
        return len(slides) + len(orders)
