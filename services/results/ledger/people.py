"""What a person can do to a case: try again, withdraw, review."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from services.results.ledger import letters, outcomes
from services.results.ledger.cases import Step, advance, locked
from services.results.ledger.database import writing
from services.results.ledger.identities import TAKEN_BACK
from services.results.ledger.keys import Keys
from services.results.ledger.orders import place
from services.results.ledger.policy import Policy
from services.results.ledger.recalled import finding_recalled
from services.results.ledger.record import move
from services.results.ledger.requests import once
from services.results.ledger.retraction import retract
from services.results.ledger.tables import FINDING
from shared.domain.case import InferenceState, ReviewState
from shared.domain.errors import ConflictError


@dataclass(frozen=True, slots=True)
class People:
    """The ledger's side of RetryCase, WithdrawCase and ReviewCase."""

    engine: sa.Engine
    keys: Keys
    policy: Policy

    def retry(self, request_id: str, case_id: str, actor: str, now: datetime) -> tuple[bool, int]:
        """Ask a failed case again and make its dead letters due; return (requeued, number of letters)."""
        step = Step(actor or "person", now, "tried again by a person")
        with writing(self.engine) as connection:
            requeued, resent = once(
                connection, request_id, "RetryCase", now,
                lambda: [
                    self._requeue(connection, case_id, step),
                    letters.resend_case(connection, case_id, self.policy, step),
                ],
                actor=step.actor, case_id=case_id,
            )  # fmt: skip
        return bool(requeued), int(resent)

    def withdraw(self, request_id: str, case_id: str, step: Step) -> str:
        """Withdraw what was said and close the case; return the finding that was withdrawn."""
        with writing(self.engine) as connection:
            answer = once(
                connection, request_id, "WithdrawCase", step.time,
                lambda: retract(connection, case_id, self.keys, self.policy, step),
                actor=step.actor, case_id=case_id,
            )  # fmt: skip
        return str(answer)

    def review(self, request_id: str, case_id: str, verdict: ReviewState, step: Step) -> str:
        """Record a person's verdict on the current finding; accepted releases what was held, rejected withdraws it.

        Raises:
            ConflictError: If nothing waits for review; or the model was recalled, and it is not rejected.
        """
        with writing(self.engine) as connection:
            answer = once(
                connection,
                request_id,
                "ReviewCase",
                step.time,
                lambda: self._review(connection, case_id, verdict, step),
                actor=step.actor,
                case_id=case_id,
            )
        return str(answer)

    def _requeue(self, connection: sa.Connection, case_id: str, step: Step) -> bool:
        row = locked(connection, case_id)
        if row.state != InferenceState.FAILED:
            return False
        if row.closed and row.study_version in ("", TAKEN_BACK):
            raise ConflictError(
                "this study belongs to another identity now, and is asked under that one as soon as its images come "
                f"with it ({row.reason})"
            )
        if row.pins and row.pin_digest and not row.closed:
            advance(connection, row, InferenceState.QUEUED, step, attempts=0, told=False,
                    deadline_time=step.time + self.policy.state_deadline)  # fmt: skip
            place(connection, case_id, row.revision, step.time)
        else:
            until = step.time + self.policy.collect
            advance(connection, row, InferenceState.COLLECTING, step, told=False, closed=False, evaluate_time=step.time,
                    collect_until=until, deadline_time=until)  # fmt: skip
        return True

    def _review(self, connection: sa.Connection, case_id: str, verdict: ReviewState, step: Step) -> str:
        finding = outcomes.current(connection, case_id)
        if finding is None or finding.review is not ReviewState.WAITING:
            raise ConflictError(f"nothing in case {case_id} waits for review")
        row = connection.execute(sa.select(FINDING).where(FINDING.c.finding_id == finding.finding_id)).one()
        recalled = finding_recalled(connection, row)
        if recalled and verdict is not ReviewState.REJECTED:
            raise ConflictError(f"{recalled}: its results are being withdrawn and cannot be accepted")
        move(connection, "review", case_id, (finding.review, verdict), subject=f"finding {finding.revision}",
             time=step.time, actor=step.actor, reason=step.reason)  # fmt: skip
        if verdict is ReviewState.REJECTED:
            return retract(connection, case_id, self.keys, self.policy, step)
        return outcomes.reviewed(connection, finding, verdict, self.policy, step)
