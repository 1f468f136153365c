"""Attempts with leases: who may answer, until when, and what an answer does."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from services.results.ledger import outcomes
from services.results.ledger.cases import Step, advance, change, locked
from services.results.ledger.codec import load
from services.results.ledger.database import writing
from services.results.ledger.keys import Keys
from services.results.ledger.orders import place
from services.results.ledger.outcomes import Answer
from services.results.ledger.policy import Policy
from services.results.ledger.proposals import propose
from services.results.ledger.recalled import asked_bundles, pinned_bundles, why_any_recalled
from services.results.ledger.record import tell
from services.results.ledger.requests import once
from services.results.ledger.tables import ATTEMPT
from shared.domain.case import Claim, FindingKind, InferenceState, Pins
from shared.domain.errors import ForbiddenError, StaleAttemptError
from shared.domain.images import RegionProposed
from shared.domain.prediction import NotAnalysed, Prediction

Brought = Prediction | NotAnalysed | RegionProposed | str
"""An answer, a coded refusal, a region that waits for a person, or one sentence about what broke."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """The ledger's side of ClaimAttempt, RenewLease and ReportPrediction, and of leases that ran out."""

    engine: sa.Engine
    keys: Keys
    policy: Policy

    def claim(
        self, request_id: str, case_id: str, revision: int, worker: str, now: datetime, *, images: bool = True
    ) -> Claim:
        """Lead a case from queued to running, with a lease; ``images``: the worker measures them.

        A worker of the previous version, which does not, is given the poorest variant's bundle alone.

        Raises:
            StaleAttemptError: If the case is not queued at this revision: somebody else has it, or it moved on.
        """
        with writing(self.engine) as connection:
            number = once(
                connection, request_id, "ClaimAttempt", now,
                lambda: self._claim(connection, case_id, revision, worker, now), actor=worker, case_id=case_id,
            )  # fmt: skip
            # A repeated request may come after the lease was lost: then its answer is no longer a right.
            row = self._running(connection, case_id, int(number))
            _, token = self._claimed(connection, case_id, int(number))
        seconds = self.policy.lease.total_seconds()
        pins = load(row.pins, Pins)
        return Claim(case_id, int(number), seconds, row.predictor, pins if images else _poorest(pins), token)

    def renew(self, case_id: str, number: int, now: datetime, token: str | None = None) -> float:
        """Prolong the lease; return its seconds.

        Raises:
            StaleAttemptError: If the attempt is no longer the running one.
            ForbiddenError: If ``token`` is not the claim's (None: the connection proves nobody, and nothing is asked).
        """
        with writing(self.engine) as connection:
            self._prove(connection, case_id, number, token)
            self._running(connection, case_id, number)
            connection.execute(_attempt(case_id, number).values(lease_until=now + self.policy.lease))
        return self.policy.lease.total_seconds()

    def answer(
        self, request_id: str, case_id: str, number: int, answer: Brought, now: datetime,
        token: str | None = None,
    ) -> str:  # fmt: skip
        """Record what an attempt brought; return the finding id (empty after a failure, and where a region waits).

        Raises:
            StaleAttemptError: If the attempt is no longer the running one; nothing is recorded.
            ForbiddenError: If ``token`` is not the claim's (None: the connection proves nobody, and nothing is asked).
        """
        with writing(self.engine) as connection:
            worker = self._prove(connection, case_id, number, token)
            finding_id = once(
                connection, request_id, "ReportPrediction", now,
                lambda: self._answer(connection, case_id, number, answer, now), actor=worker, case_id=case_id,
            )  # fmt: skip
        return str(finding_id)

    def expire(self, now: datetime) -> int:
        """Take cases away from attempts whose lease has passed; return how many."""
        with writing(self.engine) as connection:
            query = sa.select(ATTEMPT).where(ATTEMPT.c.state == "running", ATTEMPT.c.lease_until < now)
            late = [a for a in list(connection.execute(query)) if self._still_late(connection, a, now)]
            for attempt in late:
                step = Step("dispatch", now, f"the lease of attempt {attempt.number} ({attempt.worker}) has passed")
                self._lose(connection, attempt.case_id, attempt.number, "lost", step)
        return len(late)

    def _still_late(self, connection: sa.Connection, attempt: sa.Row[Any], now: datetime) -> bool:
        """Look again under the case's lock: it may have been renewed or answered meanwhile."""
        locked(connection, attempt.case_id)
        query = sa.select(ATTEMPT).where(ATTEMPT.c.case_id == attempt.case_id, ATTEMPT.c.number == attempt.number)
        row = connection.execute(query).one()
        return bool(row.state == "running" and row.lease_until < now)

    def _claimed(self, connection: sa.Connection, case_id: str, number: int) -> tuple[str, str]:
        """Return who claimed an attempt, and what proves it."""
        query = sa.select(ATTEMPT).where(ATTEMPT.c.case_id == case_id, ATTEMPT.c.number == number)
        row = connection.execute(query).first()
        if row is None:
            raise StaleAttemptError(case_id, number)
        return row.worker, self.keys.attempt_token(case_id, number, row.worker, row.created_time)

    def _prove(self, connection: sa.Connection, case_id: str, number: int, token: str | None) -> str:
        """Return who claimed an attempt, provided that whoever asks has its token."""
        worker, right = self._claimed(connection, case_id, number)
        if token is not None and not hmac.compare_digest(token.encode(), right.encode()):
            raise ForbiddenError(f"attempt {number} was claimed by another worker")
        return worker

    def _claim(self, connection: sa.Connection, case_id: str, revision: int, worker: str, now: datetime) -> int:
        row = locked(connection, case_id)
        if row.state != InferenceState.QUEUED or row.revision != revision:
            raise StaleAttemptError(case_id, revision)
        pins = load(row.pins, Pins)
        # A version is not looked at here: the answer, which states it, is.
        if why_any_recalled(connection, ((bundle, "", digest) for bundle, _, digest in pinned_bundles(pins))):
            raise StaleAttemptError(case_id, revision)  # the recall itself takes the case back
        query = sa.select(sa.func.max(ATTEMPT.c.number)).where(ATTEMPT.c.case_id == case_id)
        number = (connection.execute(query).scalar() or 0) + 1
        values = {
            "case_id": case_id, "number": number, "revision": revision, "worker": worker, "state": "running",
            "lease_until": now + self.policy.lease, "reason": "", "created_time": now,
        }  # fmt: skip
        connection.execute(ATTEMPT.insert().values(**values))
        advance(connection, row, InferenceState.RUNNING, Step(worker, now, f"attempt {number}"),
                attempts=row.attempts + 1, deadline_time=now + self.policy.state_deadline, told=False)  # fmt: skip
        return number

    def _running(self, connection: sa.Connection, case_id: str, number: int) -> sa.Row[Any]:
        row = locked(connection, case_id)
        query = sa.select(ATTEMPT).where(ATTEMPT.c.case_id == case_id, ATTEMPT.c.number == number)
        attempt = connection.execute(query).first()
        if attempt is None or attempt.state != "running" or row.state != InferenceState.RUNNING:
            raise StaleAttemptError(case_id, number)
        return row

    def _answer(
        self,
        connection: sa.Connection,
        case_id: str,
        number: int,
        answer: Brought,
        now: datetime,
    ) -> str:
        row = self._running(connection, case_id, number)
        worker = connection.execute(
            sa.select(ATTEMPT.c.worker).where(ATTEMPT.c.case_id == case_id, ATTEMPT.c.number == number)
        ).scalar()
        if isinstance(answer, str):
            self._lose(connection, case_id, number, "failed", Step(str(worker), now, answer))
            return ""
        connection.execute(_attempt(case_id, number).values(state="answered"))
        pins = load(row.pins, Pins)
        asked = pinned_bundles(pins) if isinstance(answer, RegionProposed) else asked_bundles(pins, answer)
        recalled = why_any_recalled(connection, asked)
        if recalled:
            ask_anew(connection, row, Step(str(worker), now, recalled), self.policy.collect)
            return ""
        if isinstance(answer, RegionProposed):
            propose(connection, row, pins, answer, self.policy, Step(str(worker), now, ""))
            return ""
        predicted = isinstance(answer, Prediction)
        state = InferenceState.PREDICTED if predicted else InferenceState.NOT_ANALYSED
        reason = "" if isinstance(answer, Prediction) else f"{answer.reason}: {answer.text}"
        step = Step(str(worker), now, reason or "predicted")
        advance(connection, row, state, step, deadline_time=None)
        found = Answer(
            FindingKind.PREDICTION if predicted else FindingKind.NOT_ANALYSED,
            self.keys.result_key(pins, answer),
            pins,
            answer if isinstance(answer, Prediction) else None,
            answer if isinstance(answer, NotAnalysed) else None,
        )
        return outcomes.record(connection, row, found, self.policy, step)

    def _lose(self, connection: sa.Connection, case_id: str, number: int, state: str, step: Step) -> None:
        """An attempt ended without an answer: queue again, or give up and tell a person."""
        row = locked(connection, case_id)
        connection.execute(_attempt(case_id, number).values(state=state, reason=step.reason))
        if row.state != InferenceState.RUNNING:
            return
        if row.attempts < self.policy.max_attempts:
            advance(connection, row, InferenceState.QUEUED, step, deadline_time=step.time + self.policy.state_deadline)
            place(connection, case_id, row.revision, step.time)
            return
        text = f"{row.attempts} attempts brought no answer; last: {step.reason}"
        advance(connection, row, InferenceState.FAILED, Step(step.actor, step.time, text), deadline_time=None)
        tell(connection, "case_failed", text, step.time, case_id=case_id, key=f"{case_id}|{number}")


def _poorest(pins: Pins) -> Pins:
    last = pins.bundles[-1]
    return replace(
        pins, variant=last.variant, bundle_id=last.bundle.bundle_id, bundle_digest=last.bundle.digest,
        bundle_version=last.bundle.version, intended_use=last.bundle.intended_use, others=(),
    ) if pins.others else pins  # fmt: skip


def ask_anew(connection: sa.Connection, row: sa.Row[Any], step: Step, collect: timedelta) -> None:
    """Lead a case that is queued or running back to collecting; dispatch looks at its inputs at once."""
    abandon(connection, row.case_id, step.reason, step.time)
    until = step.time + collect
    advance(connection, row, InferenceState.COLLECTING, step, told=False, evaluate_time=step.time, pin_digest="",
            collect_until=until, deadline_time=until)  # fmt: skip


def abandon(connection: sa.Connection, case_id: str, reason: str, now: datetime) -> None:
    """Changed input: whoever is at work on the old one has lost its right to answer."""
    change(connection, case_id, now, attempts=0)
    query = ATTEMPT.update().where(ATTEMPT.c.case_id == case_id, ATTEMPT.c.state == "running")
    connection.execute(query.values(state="lost", reason=reason))


def _attempt(case_id: str, number: int) -> sa.Update:
    return ATTEMPT.update().where(ATTEMPT.c.case_id == case_id, ATTEMPT.c.number == number)
