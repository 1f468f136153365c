"""Taking back what was said about a case, at every sink it reached."""

from __future__ import annotations

import sqlalchemy as sa

from services.results.ledger import outcomes
from services.results.ledger.attempts import abandon
from services.results.ledger.cases import Step, advance, change, locked
from services.results.ledger.keys import Keys
from services.results.ledger.outcomes import Answer
from services.results.ledger.policy import Policy
from shared.domain.case import FindingKind, InferenceState


def retract(connection: sa.Connection, case_id: str, keys: Keys, policy: Policy, step: Step) -> str:
    """Withdraw the current finding and close the case; return the id of what was withdrawn (empty: nothing was said).

    A closed case ends as failed with the reason; only new images, or a person, can ask it again.
    """
    close(connection, case_id, step)
    return withdraw_finding(connection, case_id, keys, policy, step)


def close(connection: sa.Connection, case_id: str, step: Step) -> None:
    """End a case as failed, from wherever it stands, whatever anybody is still doing with it."""
    row = locked(connection, case_id)
    abandon(connection, case_id, step.reason, step.time)
    if row.state not in {InferenceState.FAILED, InferenceState.COLLECTING}:
        advance(connection, row, InferenceState.COLLECTING, step)
        row = locked(connection, case_id)
    if row.state == InferenceState.COLLECTING:
        advance(connection, row, InferenceState.FAILED, step)
    closing = {"closed": True, "evaluate_time": None, "deadline_time": None, "pin_digest": ""}
    change(connection, case_id, step.time, reason=f"withdrawn: {step.reason}", **closing)


def withdraw_finding(connection: sa.Connection, case_id: str, keys: Keys, policy: Policy, step: Step) -> str:
    """Replace the current finding by its withdrawal; return the id of what was withdrawn (empty: nothing was said)."""
    finding = outcomes.current(connection, case_id)
    if finding is None or finding.kind is FindingKind.WITHDRAWN:
        return ""
    answer = Answer(FindingKind.WITHDRAWN, keys.withdrawal_key(finding.finding_id), reason=step.reason)
    outcomes.record(connection, locked(connection, case_id), answer, policy, step)
    return finding.finding_id
