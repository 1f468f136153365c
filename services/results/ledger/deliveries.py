"""The delivery machine: what is due, in order, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from services.results.ledger import breaker, leaving
from services.results.ledger.acceptances import is_accepted
from services.results.ledger.breaker import Outage, Passage
from services.results.ledger.codec import load
from services.results.ledger.database import open_engine, reading, writing
from services.results.ledger.findings import DueDelivery, Finding
from services.results.ledger.outcomes import REPLACED
from services.results.ledger.record import move, tell
from services.results.ledger.tables import DELIVERY, FINDING
from shared.domain.case import Currency, DeliveryState
from shared.domain.errors import ConflictError
from shared.domain.prediction import BundleReference

ACTOR = "deliver"


@dataclass(frozen=True, slots=True)
class LedgerDeliveries:
    """Due deliveries of the ledger at ``engine``; safe to use from several threads and processes."""

    engine: sa.Engine

    @classmethod
    def at(cls, url: str) -> LedgerDeliveries:
        """Open the ledger at a SQLAlchemy URL."""
        return cls(open_engine(url))

    def take_due(
        self, sink: str, now: datetime, lease_s: float, object_id: Callable[[Finding], str]
    ) -> DueDelivery | None:
        """Take the next due delivery of ``sink`` (due -> sending), earliest revision of a case first, or None.

        The name the object will have is written down before it is sent: what arrives without our learning of it must
        be named by its replacement all the same. What has lost its meaning meanwhile ends here and is not sent.
        """
        following = leaving.following(sink, now)
        with reading(self.engine) as connection:
            if not breaker.lets_through(connection, sink, now) or connection.execute(following).first() is None:
                return None
        with writing(self.engine) as connection:
            while (row := connection.execute(following.with_for_update(skip_locked=True)).first()) is not None:
                ended = leaving.pointless(connection, row)
                if not ended:
                    passage = breaker.claim(connection, sink, now, lease_s)
                    return None if passage is Passage.CLOSED else self._take(connection, row, now, lease_s, object_id,
                                                                            probe=passage is Passage.PROBE)  # fmt: skip
                self._move(connection, row, DeliveryState.DEAD_LETTER, now, ended, lease_until=None, deadline_time=None)
        return None

    def accepted(self, bundle: BundleReference) -> bool:
        """Tell whether the site has accepted this build of a bundle."""
        with reading(self.engine) as connection:
            return is_accepted(connection, bundle)

    def delivered(self, due: DueDelivery, object_id: str, location: str, now: datetime) -> None:
        """Record that the object was sent and read back (sending -> delivered); its sink works.

        Raises:
            ConflictError: If the token is stale: somebody else has the delivery.
        """
        with writing(self.engine) as connection:
            row = self._ours(connection, due)
            self._move(connection, row, DeliveryState.DELIVERED, now, "read back", object_id=object_id, other_ids="",
                       location=location, lease_until=None, deadline_time=None)  # fmt: skip
            connection.execute(leaving.earlier_rows(row).values(replaced=True))
            breaker.answered(connection, row.sink, now)

    def postpone(
        self, due: DueDelivery, reason: str, next_time: datetime, now: datetime, *, nothing_left: bool = False
    ) -> None:
        """Record a temporary failure of this delivery (sending -> due, from ``next_time`` on); its sink answered.

        What was replaced meanwhile ends here.
        """
        with writing(self.engine) as connection:
            row = self._ours(connection, due)
            self._again(connection, row, reason, next_time, now, maybe_there=row.maybe_there - nothing_left)
            breaker.answered(connection, row.sink, now)

    def unavailable(self, due: DueDelivery, outage: Outage, now: datetime) -> DeliveryState:
        """Record a failure of the sink (sending -> due); it costs the delivery a try only where the sink works else.

        Returns:
            ``due``, or ``dead_letter`` where those were the last tries.
        """
        with writing(self.engine) as connection:
            row = self._ours(connection, due)
            counts = breaker.failed(connection, row.sink, outage, now, probe=due.probe)
            there = row.maybe_there - outage.nothing_left
            if counts and row.tries >= outage.max_tries:
                reason = f"{outage.reason} (try {row.tries} of {outage.max_tries}, while the sink answers others)"
                self._letter(connection, row, reason, now, maybe_there=there)
                return DeliveryState.DEAD_LETTER
            tries = row.tries if counts else row.tries - 1
            return self._again(connection, row, outage.reason, outage.next_time, now, maybe_there=there, tries=tries)

    def give_up(
        self, due: DueDelivery, reason: str, now: datetime, *, nothing_left: bool = False, answered: bool = False
    ) -> None:
        """Record a permanent failure (sending -> dead_letter); a person is told."""
        with writing(self.engine) as connection:
            row = self._ours(connection, due)
            self._letter(connection, row, reason, now, maybe_there=row.maybe_there - nothing_left)
            if answered:
                breaker.answered(connection, row.sink, now)
            elif due.probe:
                breaker.release(connection, row.sink, now)

    def _take(
        self, connection: sa.Connection, row: sa.Row[Any], now: datetime, lease_s: float,
        object_id: Callable[[Finding], str], *, probe: bool,
    ) -> DueDelivery:  # fmt: skip
        body = sa.select(FINDING.c.body).where(FINDING.c.finding_id == row.finding_id)
        finding = load(connection.execute(body).scalar_one(), Finding)
        name = object_id(finding)
        names = leaving.names(row, but=name)
        self._move(connection, row, DeliveryState.SENDING, now, f"try {row.tries + 1}", tries=row.tries + 1,
                   token=row.token + 1, lease_until=now + timedelta(seconds=lease_s), object_id=name,
                   other_ids=" ".join(names), maybe_there=row.maybe_there + 1)  # fmt: skip
        before = leaving.predecessors(connection, row, finding, names)
        return DueDelivery(row.delivery_id, row.token + 1, row.tries + 1, finding, before, probe=probe)

    def _again(
        self, connection: sa.Connection, row: sa.Row[Any], reason: str, next_time: datetime, now: datetime,
        **values: Any,
    ) -> DeliveryState:  # fmt: skip
        query = sa.select(FINDING.c.currency).where(FINDING.c.finding_id == row.finding_id)
        if connection.execute(query).scalar() != Currency.CURRENT:
            ended = {**values, "lease_until": None, "deadline_time": None}
            self._move(connection, row, DeliveryState.DEAD_LETTER, now, REPLACED, **ended)
            return DeliveryState.DEAD_LETTER
        values |= {"next_time": next_time, "lease_until": None}
        self._move(connection, row, DeliveryState.DUE, now, reason, **values)
        return DeliveryState.DUE

    def _letter(
        self, connection: sa.Connection, row: sa.Row[Any], reason: str, now: datetime, *, maybe_there: int
    ) -> None:
        ended = {"lease_until": None, "deadline_time": None, "maybe_there": maybe_there}
        self._move(connection, row, DeliveryState.DEAD_LETTER, now, reason, **ended)
        text = f"sink {row.sink}: {reason}"
        tell(connection, "dead_letter", text, now, case_id=row.case_id, key=f"{row.delivery_id}|{row.token}")

    def _move(
        self, connection: sa.Connection, row: sa.Row[Any], to_state: DeliveryState, now: datetime, reason: str,
        **values: Any,
    ) -> None:  # fmt: skip
        states = (DeliveryState(row.state), to_state)
        move(connection, "delivery", row.case_id, states, subject=f"{row.sink} {row.revision}", time=now, actor=ACTOR,
             reason=reason)  # fmt: skip
        shown = "" if to_state in {DeliveryState.SENDING, DeliveryState.DELIVERED} else reason
        query = DELIVERY.update().where(DELIVERY.c.delivery_id == row.delivery_id)
        connection.execute(query.values(state=to_state.value, reason=shown, **values))

    def _ours(self, connection: sa.Connection, due: DueDelivery) -> sa.Row[Any]:
        query = sa.select(DELIVERY).where(DELIVERY.c.delivery_id == due.delivery_id).with_for_update()
        row = connection.execute(query).first()
        if row is None or row.state != DeliveryState.SENDING or row.token != due.token:
            raise ConflictError(f"delivery {due.delivery_id} is no longer ours (token {due.token})")
        return row
