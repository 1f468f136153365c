"""The delivery machine in memory, and a sink that does what a test says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.results.deliver.ports import Sent
from services.results.ledger.breaker import Outage
from services.results.ledger.findings import DueDelivery, Finding, Predecessor
from shared.domain.case import DeliveryState
from shared.domain.errors import ConflictError
from shared.domain.prediction import BundleReference


@dataclass
class Owed:
    """One delivery."""

    sink: str
    finding: Finding
    due_time: datetime
    state: str = "due"
    tries: int = 0
    object_id: str = ""
    reasons: list[str] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)


@dataclass
class MemoryDeliveries:
    """Deliveries in the order they were owed; one sink's never wait for another's."""

    rows: list[Owed] = field(default_factory=list)
    stale: bool = False
    """True: somebody else has taken every delivery meanwhile."""
    accepted_digests: set[str] = field(default_factory=set)

    def owe(self, finding: Finding, due_time: datetime, sink: str = "scripted") -> Owed:
        row = Owed(sink, finding, due_time)
        self.rows.append(row)
        return row

    def take_due(
        self, sink: str, now: datetime, lease_s: float, object_id: Callable[[Finding], str]
    ) -> DueDelivery | None:
        for number, row in enumerate(self.rows):
            if row.sink != sink:
                continue
            if row.state == "due" and row.due_time <= now:
                row.state, row.tries, row.object_id = "sending", row.tries + 1, object_id(row.finding)
                return DueDelivery(str(number), row.tries, row.tries, row.finding, self._before(number))
            if row.state in {"due", "sending"}:
                return None
        return None

    def accepted(self, bundle: BundleReference) -> bool:
        return bundle.digest in self.accepted_digests

    def delivered(self, due: DueDelivery, object_id: str, location: str, now: datetime) -> None:
        row = self._ours(due)
        row.state, row.object_id = "delivered", object_id

    def postpone(
        self, due: DueDelivery, reason: str, next_time: datetime, now: datetime, *, nothing_left: bool = False
    ) -> None:
        row = self._ours(due)
        row.state, row.due_time = "due", next_time
        row.reasons.append(reason)

    def unavailable(self, due: DueDelivery, outage: Outage, now: datetime) -> DeliveryState:
        row = self._ours(due)
        row.state, row.due_time = "due", outage.next_time
        row.outages.append(outage)
        return DeliveryState.DUE

    def give_up(
        self, due: DueDelivery, reason: str, now: datetime, *, nothing_left: bool = False, answered: bool = False
    ) -> None:
        row = self._ours(due)
        row.state = "dead_letter"
        row.reasons.append(reason)

    def _ours(self, due: DueDelivery) -> Owed:
        row = self.rows[int(due.delivery_id)]
        if self.stale or row.tries != due.token:
            raise ConflictError("somebody else has it")
        return row

    def _before(self, number: int) -> tuple[Predecessor, ...]:
        return tuple(
            Predecessor(row.finding.finding_id, row.finding.revision, row.finding.kind, row.object_id, "")
            for row in [row for row in self.rows[:number] if row.sink == self.rows[number].sink][-1:]
            if row.object_id
        )


@dataclass
class ScriptedSink:
    """Answers each delivery with the next entry: an exception to raise, or None for success."""

    script: list[Exception | None]
    name: str = "scripted"
    before: Callable[[], None] = lambda: None

    def object_id(self, finding: Finding) -> str:
        return f"object-{finding.finding_id}"

    def deliver(self, finding: Finding, predecessors: Sequence[Predecessor]) -> Sent:
        self.before()
        outcome = self.script.pop(0) if self.script else None
        if outcome:
            raise outcome
        return Sent(self.object_id(finding), "nowhere")
