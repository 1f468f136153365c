"""The values panels are made of, by day, so that a long record costs no more than a short one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise

import sqlalchemy as sql

from services.lab_consumer.adapters.tables import PANEL_VALUES
from services.lab_consumer.ports.panels import Measured
from shared.domain.identity import PatientIdentity

_DATE = PANEL_VALUES.c.effective_date
_REACH = 4
"""Spans that are read at once on both sides of a day; where values go on beyond them, twice as many."""

_AT_ONCE = 500
"""Values named in one statement: databases limit how many."""


def replaced(
    connection: sql.Connection, identity: PatientIdentity, values: Sequence[Measured], gone: Sequence[str],
    span: timedelta,
) -> tuple[Measured, ...]:  # fmt: skip
    """Replace and remove values; return every value in a run with one of these, was or is."""
    whose = sql.and_(PANEL_VALUES.c.authority == identity.authority, PANEL_VALUES.c.identifier == identity.identifier)
    days = _removed(connection, whose, [*gone, *(one.fact_id for one in values)])
    if values:
        place = {"authority": identity.authority, "identifier": identity.identifier}
        rows = [
            place | {"fact_id": one.fact_id, "name": one.name, "effective_date": one.effective_date.isoformat()}
            for one in values
        ]
        connection.execute(sql.insert(PANEL_VALUES), rows)
    days |= {one.effective_date for one in values}
    found: dict[str, Measured] = {}
    read: list[tuple[date, date]] = []
    for day in sorted(days):
        if not any(first <= day <= last for first, last in read):
            run, reach = _around(connection, whose, day, span)
            found |= {one.fact_id: one for one in run}
            read.append(reach)
    return tuple(found.values())


def _removed(connection: sql.Connection, whose: sql.ColumnElement[bool], fact_ids: Sequence[str]) -> set[date]:
    """Remove values; return their days."""
    days: set[date] = set()
    for start in range(0, len(fact_ids), _AT_ONCE):
        mine = sql.and_(whose, PANEL_VALUES.c.fact_id.in_(fact_ids[start : start + _AT_ONCE]))
        days |= {date.fromisoformat(day) for day in connection.execute(sql.select(_DATE).where(mine)).scalars()}
        connection.execute(sql.delete(PANEL_VALUES).where(mine))
    return days


def _around(
    connection: sql.Connection, whose: sql.ColumnElement[bool], day: date, span: timedelta
) -> tuple[list[Measured], tuple[date, date]]:
    """Return the values in a run around a day, and the days it covers."""
    step = max(span, timedelta(days=1))
    reach = _REACH * step
    while True:
        low, high = _shifted(day, -reach), _shifted(day, reach)
        query = sql.select(PANEL_VALUES).where(whose, low.isoformat() <= _DATE, high.isoformat() >= _DATE)
        rows = [
            Measured(row.fact_id, row.name, date.fromisoformat(row.effective_date))
            for row in connection.execute(query.order_by(_DATE, PANEL_VALUES.c.fact_id))
        ]
        first, last = _run(sorted({one.effective_date for one in rows}), day, span)
        if (first - span > low or low == date.min) and (last + span < high or high == date.max):
            return [one for one in rows if first <= one.effective_date <= last], (first, last)
        reach *= 2


def _run(days: list[date], day: date, span: timedelta) -> tuple[date, date]:
    """Return the first and last day of the run around ``day``; the day itself need not have a value any more."""
    return _end(day, [one for one in reversed(days) if one <= day], span), _end(
        day, [one for one in days if one >= day], span
    )


def _end(day: date, outwards: Sequence[date], span: timedelta) -> date:
    return list(_near(day, outwards, span))[-1]


def _near(day: date, outwards: Sequence[date], span: timedelta) -> Iterator[date]:
    yield day
    for before, after in pairwise([day, *outwards]):
        if abs(after - before) > span:
            return
        yield after


def _shifted(day: date, by: timedelta) -> date:
    try:
        return day + by
    except OverflowError:
        return date.min if by < timedelta() else date.max
