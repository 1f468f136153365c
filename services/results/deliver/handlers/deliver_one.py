"""Take one due delivery to its sink and record what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from services.results.deliver.ports import BusyError, Deliveries, NotReachedError, RefusedError, Sent, Sink
from services.results.ledger.breaker import DEFAULT_RULE, BreakerRule, Outage
from services.results.ledger.findings import DueDelivery
from shared.domain.errors import (
    ConflictError,
    OutOfResourcesError,
    PermanentError,
    TemporaryError,
    UnavailableError,
)
from shared.domain.prediction import IntendedUse
from shared.observability import tracing

log = structlog.get_logger("oncorelay.results.deliver")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and when a temporary failure is tried again."""

    max_tries: int
    first_s: float
    longest_s: float

    def pause(self, tries: int, jitter: float) -> timedelta:
        """Return the pause after try number ``tries`` (from 1): doubling, then cut by up to half; jitter in [0, 1)."""
        whole = min(self.longest_s, self.first_s * 2.0 ** min(tries - 1, 60))
        return timedelta(seconds=whole * (1.0 - 0.5 * jitter))


@dataclass(frozen=True, slots=True)
class DeliverOne:
    """Deliver the next due object of one sink; returns whether there was one."""

    deliveries: Deliveries
    sink: Sink
    policy: RetryPolicy
    lease_s: float
    clinical: bool
    """A clinical sink refuses what was made by a demonstration or research bundle."""
    now: Callable[[], datetime]
    jitter: Callable[[], float]
    rule: BreakerRule = DEFAULT_RULE

    def __call__(self) -> bool:
        """Raise nothing that concerns one delivery alone; a lost token means that somebody else has it."""
        due = self.deliveries.take_due(self.sink.name, self.now(), self.lease_s, self.sink.object_id)
        if due is None:
            return False
        case_id = due.finding.case_id
        try:
            with tracing.span(
                "delivery", about=("case", case_id), case_id=case_id, sink=self.sink.name, tries=due.tries
            ):
                self._record(due)
        except ConflictError:
            log.warning("delivery_lost", sink=self.sink.name, delivery_id=due.delivery_id)
        return True

    def _record(self, due: DueDelivery) -> None:
        if due.tries > self.policy.max_tries:
            # Taken over again and again: whoever sent it died before it could say how that went.
            self._give_up(due, f"none of {self.policy.max_tries} tries lived long enough to say what became of it")
            return
        try:
            sent = self._send(due)
        except PermanentError as error:
            refused = isinstance(error, RefusedError)
            self._give_up(due, str(error), nothing_left=refused, answered=refused)
        except (UnavailableError, OutOfResourcesError) as error:
            self._unavailable(due, error)
        except TemporaryError as error:
            self._again(due, str(error))
        except Exception as error:  # noqa: BLE001  (a defect of ours must end at a person, not in a silent loop)
            # The type only: the text of a foreign exception may quote the object.
            self._again(due, f"unexpected {type(error).__name__} in the sink's adapter")
        else:
            self.deliveries.delivered(due, sent.object_id, sent.location, self.now())
            log.info("delivered", sink=self.sink.name, delivery_id=due.delivery_id, tries=due.tries)

    def _send(self, due: DueDelivery) -> Sent:
        use = due.finding.model_use
        if self.clinical and use and use is not IntendedUse.CLINICAL:
            left = "; an earlier result of the case is still there: withdraw it" if due.predecessors else ""
            raise RefusedError(f"{self.sink.name} is a clinical sink and refuses results for {use} use{left}")
        shown = due.finding.prediction.bundles if self.clinical and due.finding.prediction else ()
        unknown = next((one for one in shown if not self.deliveries.accepted(one)), None)
        if unknown:
            named = f"{unknown.bundle_id} {unknown.version}"
            raise RefusedError(
                f"{self.sink.name} is a clinical sink and the site has not accepted {named}: record it with `oncorelay "
                "models accept`, then `oncorelay letters resend`"
            )
        return self.sink.deliver(due.finding, due.predecessors)

    def _unavailable(self, due: DueDelivery, error: TemporaryError) -> None:
        """The sink's failure, not the delivery's: it costs no try, and counts for the sink."""
        now = self.now()
        asked = min(error.after_s, self.rule.longest.total_seconds()) if isinstance(error, BusyError) else 0.0
        outage = Outage(
            str(error), now + self.policy.pause(due.tries, self.jitter()), self.rule, self.policy.max_tries,
            timedelta(seconds=asked) if asked > 0 else None, nothing_left=isinstance(error, NotReachedError),
        )  # fmt: skip
        state = self.deliveries.unavailable(due, outage, now)
        log.warning("sink_unavailable", sink=self.sink.name, delivery_id=due.delivery_id, state=state)

    def _again(self, due: DueDelivery, reason: str) -> None:
        if due.tries >= self.policy.max_tries:
            self._give_up(due, f"{reason} (try {due.tries} of {self.policy.max_tries})", answered=True)
            return
        now = self.now()
        pause = self.policy.pause(due.tries, self.jitter())
        self.deliveries.postpone(due, reason, now + pause, now)
        log.warning("delivery_postponed", sink=self.sink.name, delivery_id=due.delivery_id, tries=due.tries)

    def _give_up(self, due: DueDelivery, reason: str, *, nothing_left: bool = False, answered: bool = False) -> None:
        self.deliveries.give_up(due, reason, self.now(), nothing_left=nothing_left, answered=answered)
        log.error("delivery_given_up", sink=self.sink.name, delivery_id=due.delivery_id, tries=due.tries)
