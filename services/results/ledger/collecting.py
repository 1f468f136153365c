"""From collecting on: pin the inputs, wait for more, refuse, or stop at an identity conflict."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.results.ledger import outcomes
from services.results.ledger.attempts import abandon
from services.results.ledger.cases import Step, advance, change, locked
from services.results.ledger.codec import dump, load
from services.results.ledger.database import reading, writing
from services.results.ledger.exclusions import with_exclusions
from services.results.ledger.keys import Keys, pin_digest
from services.results.ledger.orders import place
from services.results.ledger.outcomes import Answer
from services.results.ledger.policy import Policy
from services.results.ledger.proposals import with_region
from services.results.ledger.record import tell
from services.results.ledger.retraction import withdraw_finding
from services.results.ledger.tables import CASE
from shared.domain.case import FindingKind, InferenceState, PinnedInput, Pins
from shared.domain.prediction import NotAnalysed
from shared.domain.study import Study

ACTOR = "dispatch"


@dataclass(frozen=True, slots=True)
class DueCase:
    """A case whose inputs are to be looked at."""

    case_id: str
    predictor: str
    study: Study
    state: InferenceState
    collect_until: datetime
    evaluate_time: datetime
    """What ``evaluate_time`` was when it was read: a later wake-up must not be lost."""


@dataclass(frozen=True, slots=True)
class Collecting:
    """Each call is one transaction and clears the wake-up it answered, unless a newer one came meanwhile."""

    engine: sa.Engine
    keys: Keys
    policy: Policy

    def due(self, now: datetime, limit: int = 50) -> tuple[DueCase, ...]:
        """Return the cases to evaluate now."""
        query = (
            sa.select(CASE)
            .where(CASE.c.evaluate_time <= now, CASE.c.closed.is_(False))
            .order_by(CASE.c.evaluate_time)
            .limit(limit)
        )
        with reading(self.engine) as connection:
            return tuple(
                DueCase(row.case_id, row.predictor, load(row.study, Study), InferenceState(row.state),
                        row.collect_until, row.evaluate_time)
                for row in connection.execute(query)
            )  # fmt: skip

    def pin(self, due: DueCase, pins: Pins, now: datetime) -> None:
        """The inputs suffice: fix them and order a run, unless these were fixed before, or a person is awaited."""
        with writing(self.engine) as connection:
            row = self._take(connection, due, None)
            decided = with_region(connection, row, pins, self.policy, now) if row else None
            if row is None or decided is None:
                return
            pins = with_exclusions(connection, row, decided, now)
            fresh = pin_digest(pins)
            if row.pin_digest == fresh and row.state != InferenceState.COLLECTING:
                return
            row = self._ask_again(connection, row, now)
            revision = row.revision + 1
            advance(connection, row, InferenceState.QUEUED, Step(ACTOR, now, f"inputs pinned, revision {revision}"),
                    pins=dump(pins), pin_digest=fresh, revision=revision, attempts=0, told=False,
                    deadline_time=now + self.policy.state_deadline)  # fmt: skip
            place(connection, due.case_id, revision, now)

    def wait(self, due: DueCase, missing: tuple[str, ...], now: datetime) -> None:
        """Inputs are missing and may still arrive; look again when they do, and at the deadline."""
        with writing(self.engine) as connection:
            row = self._take(connection, due, due.collect_until)
            if row is None:
                return
            until = row.collect_until
            if row.state != InferenceState.COLLECTING:
                until = now + self.policy.collect
                self._ask_again(connection, row, now)
            reason = "waiting for: " + ", ".join(missing)
            times = {"collect_until": until, "deadline_time": until, "evaluate_time": until}
            change(connection, due.case_id, now, reason=reason, **times)

    def refuse(self, due: DueCase, refusal: NotAnalysed, now: datetime) -> None:
        """The question cannot be answered: a finding like any other, delivered with its reason."""
        with writing(self.engine) as connection:
            row = self._take(connection, due, None)
            if row is not None:
                self._refuse(connection, row, refusal, now)

    def overtake(self, due: DueCase, refusal: NotAnalysed, inputs: tuple[PinnedInput, ...], now: datetime) -> None:
        """The event has become known: an answer to exactly these inputs stands, anything else ends as not analysed.

        Which bundle gave it is not looked at: a newer one neither speaks any more, nor ends what was said.
        """
        with writing(self.engine) as connection:
            row = self._take(connection, due, None)
            if row is not None and not self._stands(connection, row, inputs):
                self._refuse(connection, row, refusal, now)

    def _stands(self, connection: sa.Connection, row: sa.Row[Any], inputs: tuple[PinnedInput, ...]) -> bool:
        before = outcomes.current(connection, row.case_id)
        if row.state != InferenceState.PREDICTED or before is None or before.pins is None or not inputs:
            return False
        answered = {(one.name, one.value) for one in before.pins.inputs}
        return answered.issuperset((one.name, one.value) for one in inputs)

    def _refuse(self, connection: sa.Connection, row: sa.Row[Any], refusal: NotAnalysed, now: datetime) -> None:
        key = self.keys.refusal_key(load(row.study, Study), refusal)
        before = outcomes.current(connection, row.case_id)
        if row.state == InferenceState.NOT_ANALYSED and before is not None and before.result_key == key:
            return
        row = self._ask_again(connection, row, now)
        step = Step(ACTOR, now, f"{refusal.reason}: {refusal.text}")
        advance(connection, row, InferenceState.NOT_ANALYSED, step, deadline_time=None, pins=None, pin_digest="")
        answer = Answer(FindingKind.NOT_ANALYSED, key, not_analysed=refusal)
        outcomes.record(connection, row, answer, self.policy, step)

    def conflict(self, due: DueCase, reason: str, now: datetime) -> None:
        """Identity conflict: a person sees it, nothing is sent to anybody's chart."""
        with writing(self.engine) as connection:
            row = self._take(connection, due, None)
            text = f"identity_conflict: {reason}"
            if row is None or (row.state == InferenceState.FAILED and row.reason == text):
                return
            row = self._ask_again(connection, row, now)
            step = Step(ACTOR, now, text)
            advance(connection, row, InferenceState.FAILED, step, deadline_time=None, pin_digest="")
            withdraw_finding(connection, due.case_id, self.keys, self.policy, step)
            tell(connection, "identity_conflict", reason, now, case_id=due.case_id, key=f"{due.case_id}|{reason}")

    def postpone(self, due: DueCase, until: datetime) -> None:
        """Somebody who must be asked cannot be reached: try again at ``until``."""
        with writing(self.engine) as connection:
            self._take(connection, due, until)

    def trouble(self, due: DueCase, reason: str, until: datetime, now: datetime) -> None:
        """The inputs of this case cannot be evaluated: a person is told once, and it is tried again at ``until``."""
        with writing(self.engine) as connection:
            if self._take(connection, due, until) is not None:
                tell(connection, "case_trouble", reason, now, case_id=due.case_id)

    def _ask_again(self, connection: sa.Connection, row: sa.Row[Any], now: datetime) -> sa.Row[Any]:
        """Lead a case that has moved on back to collecting, because its input changed."""
        if row.state == InferenceState.COLLECTING:
            return row
        abandon(connection, row.case_id, "the inputs changed", now)
        advance(connection, row, InferenceState.COLLECTING, Step(ACTOR, now, "the inputs changed"), told=False)
        return locked(connection, row.case_id)

    def _take(self, connection: sa.Connection, due: DueCase, next_time: datetime | None) -> sa.Row[Any] | None:
        """Lock the case and answer its wake-up; None where it was closed, or woken again, since it was read.

        What was concluded from the older look is then void: a withdrawn case must not come back to life, and newer
        input is looked at by the newer wake-up, which stands.
        """
        row = locked(connection, due.case_id)
        if row.closed or row.evaluate_time != due.evaluate_time:
            return None
        connection.execute(CASE.update().where(CASE.c.case_id == due.case_id).values(evaluate_time=next_time))
        return row
