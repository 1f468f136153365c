"""The circuit breaker of a sink: a sink that is down costs its deliveries no tries, and is asked by one at a time.

closed: deliveries flow · open: nothing is tried before ``probe_time`` · half open: one delivery is under way to see.
It lies in the ledger, so that a restart forgets nothing and several processes agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from services.results.ledger.record import tell
from services.results.ledger.tables import SINK

MOST_DOUBLINGS = 30


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """When a sink opens, and how often an open one is asked."""

    failures: int = 5
    """Opens after so many failures of the sink in a row."""
    first: timedelta = timedelta(seconds=5)
    """Pause before the first probe; doubles with each one that fails."""
    longest: timedelta = timedelta(minutes=5)

    def pause(self, failures: int) -> timedelta:
        """Return the pause after that many failures in a row; none below the threshold."""
        beyond = failures - self.failures
        if beyond < 0:
            return timedelta()
        return min(self.longest, timedelta(seconds=self.first.total_seconds() * 2.0 ** min(beyond, MOST_DOUBLINGS)))


DEFAULT_RULE = BreakerRule()


@dataclass(frozen=True, slots=True)
class Outage:
    """A failure that is the sink's and not the delivery's: not reached, overloaded, no answer."""

    reason: str
    next_time: datetime
    """The delivery waits until then; others of its sink go before it."""
    rule: BreakerRule
    max_tries: int
    """Where the sink works for others, the failure counts as a try of the delivery."""
    wait: timedelta | None = None
    """What the sink itself asked for (Retry-After); opens it at once."""
    nothing_left: bool = False
    """True: nothing of the object left us in this try."""


class Passage(Enum):
    """Whether a delivery may leave."""

    FREE = "free"
    PROBE = "probe"
    """The sink is open, and this delivery tries whether it works again."""
    CLOSED = "closed"


def lets_through(connection: sa.Connection, sink: str, now: datetime) -> bool:
    """Tell whether a delivery of this sink may be tried now."""
    row = connection.execute(sa.select(SINK).where(SINK.c.sink == sink)).first()
    return row is None or row.open_since is None or row.probe_time <= now


def claim(connection: sa.Connection, sink: str, now: datetime, lease_s: float) -> Passage:
    """Take the right to try: free while closed; while open, of one delivery until its lease ends."""
    row = connection.execute(sa.select(SINK).where(SINK.c.sink == sink, SINK.c.open_since.is_not(None))).first()
    if row is None:
        return Passage.FREE
    mine = SINK.update().where(SINK.c.sink == sink, SINK.c.open_since.is_not(None), SINK.c.probe_time <= now)
    taken = connection.execute(mine.values(probe_time=now + timedelta(seconds=lease_s))).rowcount
    return Passage.PROBE if taken else Passage.CLOSED


def answered(connection: sa.Connection, sink: str, now: datetime) -> None:
    """Close: the sink answered, whatever it said."""
    row = _row(connection, sink)
    if row.told_time is not None:
        text = f"sink {sink} answers again; it did not since {row.open_since:%Y-%m-%d %H:%M} UTC"
        tell(connection, "sink_back", text, now, key=f"{sink}|{row.open_since}")
    _write(connection, sink, failures=0, open_since=None, probe_time=None, reason="", success_time=now, told_time=None)


def release(connection: sa.Connection, sink: str, now: datetime) -> None:
    """Let the next delivery try: the one that had the right said nothing about the sink."""
    connection.execute(SINK.update().where(SINK.c.sink == sink, SINK.c.open_since.is_not(None)).values(probe_time=now))


def failed(connection: sa.Connection, sink: str, outage: Outage, now: datetime, *, probe: bool) -> bool:
    """Count a failure of the sink; return whether it is the delivery's too: the sink answered just before."""
    row = _row(connection, sink)
    if row.open_since is not None and not probe:
        return False  # it left before the sink opened: its failure is no news
    failures = row.failures + 1
    opens = row.open_since is not None or failures >= outage.rule.failures or outage.wait is not None
    pause = outage.rule.pause(failures) if outage.wait is None else outage.wait
    _write(connection, sink, failures=failures, reason=outage.reason, probe_time=now + pause if opens else None,
           open_since=(row.open_since or now) if opens else None)  # fmt: skip
    return row.failures == 0 and row.success_time is not None and outage.wait is None


def _row(connection: sa.Connection, sink: str) -> sa.Row[Any]:
    """Return the locked row of a sink, made where there is none (by whichever worker comes first)."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    fresh = insert(SINK).values(sink=sink, failures=0, reason="").on_conflict_do_nothing()
    connection.execute(fresh)
    return connection.execute(sa.select(SINK).where(SINK.c.sink == sink).with_for_update()).one()


def _write(connection: sa.Connection, sink: str, **values: Any) -> None:
    connection.execute(SINK.update().where(SINK.c.sink == sink).values(**values))
