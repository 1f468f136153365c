"""Whatever happens in whatever order: at each sink a case's revisions arrive in order, and nothing old comes last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from services.results.ledger.breaker import BreakerRule, Outage
from services.results.ledger.cases import Step
from services.results.ledger.deliveries import LedgerDeliveries
from services.results.ledger.findings import DueDelivery
from services.results.ledger.governance_tables import AUDIT
from services.results.ledger.ledger import Ledger
from services.results.ledger.tables import METADATA
from shared.domain.case import DeliveryState, FindingKind
from shared.domain.errors import ConflictError, OncoRelayError
from shared.testing.cases import a_refusal
from tests.contract.ledger.conftest import Clock
from tests.contract.ledger.test_deliveries import NAME, refused

pytestmark = [pytest.mark.contract, pytest.mark.timeout(400)]

RULE = BreakerRule(2, timedelta(seconds=4), timedelta(seconds=8))
SINKS = ("pacs", "ehr")
WORKERS = 2
OUTCOMES = (*["delivered"] * 3, "maybe", "not reached", "busy", "refused", "dies", "arrives and dies")
ACTIONS = st.one_of(
    st.tuples(st.just("supersede")),
    st.tuples(st.just("withdraw")),
    st.tuples(st.just("resend")),
    st.tuples(st.just("forward"), st.integers(1, 40)),
    *[st.tuples(st.just("work"), st.sampled_from(SINKS), st.integers(0, WORKERS - 1), st.sampled_from(OUTCOMES))] * 4,
)


@dataclass
class World:
    """One case, its sinks as they would look from outside, and the workers."""

    ledger: Ledger
    clock: Clock
    busy: dict[tuple[str, int], DueDelivery] = field(default_factory=dict)
    arrived: dict[str, list[DueDelivery]] = field(default_factory=lambda: {sink: [] for sink in SINKS})
    named: dict[str, set[str]] = field(default_factory=lambda: {sink: set() for sink in SINKS})
    numbers: int = 0
    case_id: str = ""

    def act(self, action: tuple[Any, ...]) -> None:
        name, *rest = action
        getattr(self, f"_{name}")(*rest)

    def settle(self) -> None:
        """Let every sink work until nothing moves."""
        for _ in range(200):
            self.clock.forward(seconds=60)
            for sink in SINKS:
                for worker in range(WORKERS):
                    self.busy.pop((sink, worker), None)
                    self._take(sink, worker)
                    self._end(sink, worker, "delivered")
            if not any(self._open()):
                return
        raise AssertionError("it never comes to rest")

    def _open(self) -> list[DeliveryState]:
        detail = self.ledger.queries.case(self.case_id, self.clock())
        moving = {DeliveryState.DUE, DeliveryState.SENDING}
        return [row.state for row in detail.deliveries if row.state in moving]

    def _supersede(self) -> None:
        self.numbers += 1
        closed = self.case_id and self.ledger.queries.case(self.case_id, self.clock()).case.state == "failed"
        if closed:
            self.ledger.people.retry(f"retry {self.numbers}", self.case_id, "somebody", self.clock())
            (due,) = self.ledger.collecting.due(self.clock.forward(seconds=1))
            self.ledger.collecting.refuse(due, a_refusal(f"again {self.numbers}"), self.clock())
        else:
            self.case_id = refused(self.ledger, self.clock, f"missing {self.numbers}")

    def _withdraw(self) -> None:
        self.numbers += 1
        step = Step("somebody", self.clock(), "wrong patient")
        self.ledger.people.withdraw(f"w {self.numbers}", self.case_id, step)

    def _resend(self) -> None:
        """A person tries every delivery there is, in every state."""
        for letter in self.ledger.letters.listed(None):
            self.numbers += 1
            try:
                step = Step("somebody", self.clock(), "again")
                self.ledger.letters.resend(f"l {self.numbers}", letter.delivery_id, step)
            except OncoRelayError:
                continue

    def _forward(self, seconds: int) -> None:
        self.clock.forward(seconds=seconds)

    def _work(self, sink: str, worker: int, outcome: str) -> None:
        """A worker that is free takes something; one that is busy ends it."""
        if (sink, worker) in self.busy:
            self._end(sink, worker, outcome)
        else:
            self._take(sink, worker)

    def _take(self, sink: str, worker: int) -> None:
        if (sink, worker) in self.busy:
            return
        due = LedgerDeliveries(self.ledger.engine).take_due(sink, self.clock(), 30, NAME)
        if due is None:
            return
        self.busy[sink, worker] = due
        current = max(d.revision for d in self.ledger.queries.case(self.case_id, self.clock()).findings)
        assert due.finding.revision == current, "what is superseded was handed out"
        others = [row for (where, _), row in self.busy.items() if where == sink and row.delivery_id != due.delivery_id]
        assert all(self._lost(row) for row in others), "two revisions of a case are under way at one sink"

    def _lost(self, due: DueDelivery) -> bool:
        """Tell whether a worker holds a delivery that somebody else has by now, or that ended."""
        detail = self.ledger.queries.case(self.case_id, self.clock())
        row = next(d for d in detail.deliveries if d.delivery_id == due.delivery_id)
        return row.state is not DeliveryState.SENDING

    def _end(self, sink: str, worker: int, outcome: str) -> None:
        due = self.busy.pop((sink, worker), None)
        if due is None:
            return
        if outcome in {"delivered", "maybe", "arrives and dies"} and not self._stale(due):
            self._arrives(sink, due)
        try:
            self._record(due, outcome)
        except ConflictError:
            return

    def _stale(self, due: DueDelivery) -> bool:
        with self.ledger.engine.connect() as connection:
            token = connection.execute(
                sa.text("SELECT token FROM ledger_delivery WHERE delivery_id = :id"), {"id": due.delivery_id}
            ).scalar_one()
        return bool(token != due.token)

    def _arrives(self, sink: str, due: DueDelivery) -> None:
        before = [row.finding.revision for row in self.arrived[sink]]
        assert not before or due.finding.revision >= before[-1], "a replacement was overtaken"
        left = {f"uid-{revision}" for revision in before if revision < due.finding.revision}
        named = {row.object_id for row in due.predecessors}
        assert left <= named | self.named[sink], "something that arrived is not named by its replacement"
        self.named[sink] |= named
        self.arrived[sink].append(due)

    def _record(self, due: DueDelivery, outcome: str) -> None:
        deliveries, now = LedgerDeliveries(self.ledger.engine), self.clock()
        if outcome == "delivered":
            deliveries.delivered(due, NAME(due.finding), "loc", now)
        elif outcome == "maybe":
            deliveries.unavailable(due, Outage("no answer", now, RULE, 3), now)
        elif outcome == "not reached":
            deliveries.unavailable(due, Outage("no connection", now, RULE, 3, nothing_left=True), now)
        elif outcome == "busy":
            deliveries.postpone(due, "busy", now, now, nothing_left=True)
        elif outcome == "refused":
            deliveries.give_up(due, "refused", now, nothing_left=True, answered=True)


@settings(
    max_examples=60, deadline=None, derandomize=True,
    phases=[Phase.generate],  # an interleaving is read as it is; making it smaller takes minutes on a database
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(actions=st.lists(ACTIONS, min_size=10, max_size=40))
def test_no_interleaving_lets_an_old_result_arrive_last(
    make_ledger: Callable[..., Ledger], engine: sa.Engine, actions: list[tuple[Any, ...]]
) -> None:
    with engine.begin() as connection:
        for table in reversed(METADATA.sorted_tables):
            if table is not AUDIT:  # the database refuses to forget it
                connection.execute(table.delete())
    world = World(make_ledger(), Clock())
    world.act(("supersede",))
    for action in actions:
        world.act(action)
    world.act(("resend",))
    world.settle()

    findings = world.ledger.queries.case(world.case_id, world.clock()).findings
    last = max(findings, key=lambda row: row.revision)
    for sink in SINKS:
        seen = [row.finding.revision for row in world.arrived[sink]]
        assert seen == sorted(seen)
        if last.kind is not FindingKind.WITHDRAWN or seen:
            assert seen[-1] == last.revision, f"{sink} does not hold the current result"
