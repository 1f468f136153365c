"""Recording what was found: a finding revision, what it supersedes, and the deliveries it owes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.results.ledger.cases import Step, change
from services.results.ledger.codec import digest, dump, load
from services.results.ledger.findings import Finding
from services.results.ledger.policy import Policy, SinkPolicy
from services.results.ledger.recalled import Named, asked_bundles
from services.results.ledger.record import move, tell
from services.results.ledger.tables import DELIVERY, FINDING, FINDING_MODEL
from shared.domain.case import Currency, DeliveryState, FindingKind, Pins, ReviewState
from shared.domain.identity import PatientIdentity
from shared.domain.prediction import NotAnalysed, Prediction
from shared.domain.study import Study

REPLACED = "replaced before it was sent"
"""Reason of a delivery whose finding stopped being current before the sink had it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be recorded about a case."""

    kind: FindingKind
    result_key: str
    pins: Pins | None = None
    prediction: Prediction | None = None
    not_analysed: NotAnalysed | None = None
    reason: str = ""


def current(connection: sa.Connection, case_id: str) -> Finding | None:
    """Return the finding that speaks for a case now, if any."""
    query = sa.select(FINDING.c.body).where(FINDING.c.case_id == case_id, FINDING.c.currency == Currency.CURRENT)
    body = connection.execute(query).scalar()
    return load(body, Finding) if body else None  # none: erased


def record(connection: sa.Connection, row: sa.Row[Any], answer: Answer, policy: Policy, step: Step) -> str:
    """Record ``answer`` as the current finding of the case; return its id.

    The same result key as the current finding records nothing new (system rule 2).
    """
    before = current(connection, row.case_id)
    if before is not None and before.result_key == answer.result_key:
        return before.finding_id
    if before is not None and not answer.reason:
        answer = replace(answer, reason=_why_again(before, answer))
    finding = _finding(connection, row, answer, policy, step.time)
    if before is not None and answer.kind is FindingKind.WITHDRAWN:
        # It is taken back where, and of whom, it was said: the case may have another identity or study by now.
        finding = replace(finding, identity=before.identity, study=before.study, side=before.side)
    return _append(connection, before, finding, policy, step)


def _why_again(before: Finding, answer: Answer) -> str:
    """Return why there is another result of the case."""
    left_out = [one.slide.exclusions if one and one.slide else () for one in (before.pins, answer.pins)]
    if left_out[0] == left_out[1]:
        return "the inputs changed"
    if len(left_out[1]) > len(left_out[0]):
        last = left_out[1][-1]
        return f"a region of the slide was left out of the score by {last.author}: {last.reason}"
    return "regions of the slide that had been left out of the score count again"


def reviewed(connection: sa.Connection, before: Finding, verdict: ReviewState, policy: Policy, step: Step) -> str:
    """Record the current finding once more, as a person judged it; return the new id.

    Sinks that already have the preliminary one receive this one as its replacement; held ones were never sent.
    """
    finding_id = digest("finding", before.case_id, str(before.revision + 1), before.result_key, verdict)[:32]
    after = replace(
        before, finding_id=finding_id, revision=before.revision + 1, review=verdict, created_time=step.time,
        reason=step.reason,
    )  # fmt: skip
    return _append(connection, before, after, policy, step)


def _append(connection: sa.Connection, before: Finding | None, finding: Finding, policy: Policy, step: Step) -> str:
    if before is not None:
        _retire(connection, before, finding.kind, step)
    values = {
        "finding_id": finding.finding_id, "case_id": finding.case_id, "revision": finding.revision,
        "kind": finding.kind.value, "currency": Currency.CURRENT.value, "result_key": finding.result_key,
        "body": dump(finding), "created_time": step.time, **_bundle(finding),
    }  # fmt: skip
    connection.execute(FINDING.insert().values(**values))
    _name_others(connection, finding)
    subject = f"finding {finding.revision}"
    move(connection, "currency", finding.case_id, ("", Currency.CURRENT), subject=subject, time=step.time,
         actor=step.actor, reason=finding.reason or finding.kind.value)  # fmt: skip
    if finding.review in {ReviewState.WAITING, ReviewState.NOT_REQUIRED}:
        reason = "the site asks for review" if finding.review is ReviewState.WAITING else "the site asks for none"
        move(connection, "review", finding.case_id, ("", finding.review), subject=subject, time=step.time,
             actor=step.actor, reason=reason)  # fmt: skip
    waits = finding.review is ReviewState.WAITING
    deadline = {"deadline_time": step.time + policy.state_deadline, "told": False} if waits else {}
    change(connection, finding.case_id, step.time, review=finding.review.value, **deadline)
    _owe(connection, finding, policy, step)
    return finding.finding_id


def _bundle(finding: Finding) -> dict[str, str]:
    """Return which bundle answered, or was asked and refused; none where none was asked."""
    stated = _asked(finding) or (("", "", ""),)
    return dict(zip(("bundle_id", "bundle_version", "bundle_digest"), stated[0], strict=True))


def _name_others(connection: sa.Connection, finding: Finding) -> None:
    """Write down whose numbers stand beside the answer: a recall must find them."""
    for bundle_id, version, digest_of in _asked(finding)[1:]:
        values = {"finding_id": finding.finding_id, "bundle_id": bundle_id, "version": version, "digest": digest_of}
        connection.execute(FINDING_MODEL.insert().values(**values))


def _asked(finding: Finding) -> tuple[Named, ...]:
    return asked_bundles(finding.pins, finding.prediction)


def _finding(connection: sa.Connection, row: sa.Row[Any], answer: Answer, policy: Policy, now: datetime) -> Finding:
    last = connection.execute(
        sa.select(sa.func.max(FINDING.c.revision)).where(FINDING.c.case_id == row.case_id)
    ).scalar()
    revision = (last or 0) + 1
    study = load(row.study, Study)
    side = answer.pins.side if answer.pins else study.side
    needs_review = policy.needs_review(answer.kind, study)
    return Finding(
        finding_id=digest("finding", row.case_id, str(revision), answer.result_key)[:32],
        case_id=row.case_id, predictor=row.predictor, revision=revision, kind=answer.kind,
        result_key=answer.result_key, created_time=now, identity=PatientIdentity(row.authority, row.identifier),
        study=study, side=side, review=ReviewState.WAITING if needs_review else ReviewState.NOT_REQUIRED,
        pins=answer.pins, prediction=answer.prediction, not_analysed=answer.not_analysed, reason=answer.reason,
    )  # fmt: skip


def _retire(connection: sa.Connection, before: Finding, by: FindingKind, step: Step) -> None:
    to_state = Currency.WITHDRAWN if by is FindingKind.WITHDRAWN else Currency.SUPERSEDED
    retire(connection, before, to_state, step)
    drop_unsent(connection, before, step)


def retire(connection: sa.Connection, before: Finding | sa.Row[Any], to_state: Currency, step: Step) -> None:
    """End the currency of a finding."""
    query = FINDING.update().where(FINDING.c.finding_id == before.finding_id)
    connection.execute(query.values(currency=to_state.value))
    subject = f"finding {before.revision}"
    move(connection, "currency", before.case_id, (Currency.CURRENT, to_state), subject=subject, time=step.time,
         actor=step.actor, reason=step.reason)  # fmt: skip


def drop_unsent(connection: sa.Connection, before: Finding | sa.Row[Any], step: Step, *, sending: bool = False) -> None:
    """What was replaced before it left is never sent: an outdated result must reach no chart, not for a moment.

    ``sending``: nor is what is on its way tried again.
    """
    states = [DeliveryState.HELD.value, DeliveryState.DUE.value, *([DeliveryState.SENDING.value] if sending else [])]
    unsent = DELIVERY.c.state.in_(states)
    # Locked: a worker that takes one of them at this moment comes either first (it is being sent) or too late.
    query = sa.select(DELIVERY).where(DELIVERY.c.finding_id == before.finding_id, unsent).with_for_update()
    for row in list(connection.execute(query)):
        move(connection, "delivery", before.case_id, (DeliveryState(row.state), DeliveryState.DEAD_LETTER),
             subject=f"{row.sink} {row.revision}", time=step.time, actor=step.actor, reason=REPLACED)  # fmt: skip
    values = {"state": DeliveryState.DEAD_LETTER.value, "reason": REPLACED, "deadline_time": None}
    connection.execute(DELIVERY.update().where(DELIVERY.c.finding_id == before.finding_id, unsent).values(**values))


def _owe(connection: sa.Connection, finding: Finding, policy: Policy, step: Step) -> None:
    reached = _sinks_reached(connection, finding.case_id)
    for sink in (*policy.sinks, *_removed(connection, finding, reached, policy, step)):
        if finding.kind is FindingKind.WITHDRAWN and sink.name not in reached:
            continue
        if not sink.takes(finding.study):
            continue
        held = sink.hold_until_reviewed and finding.review is ReviewState.WAITING
        state = DeliveryState.HELD if held else DeliveryState.DUE
        delivery_id = uuid.uuid5(uuid.NAMESPACE_OID, f"{finding.finding_id}|{sink.name}").hex
        values = {
            "delivery_id": delivery_id, "finding_id": finding.finding_id, "case_id": finding.case_id,
            "revision": finding.revision, "sink": sink.name, "kind": sink.kind, "state": state.value, "tries": 0,
            "token": 0, "next_time": step.time, "object_id": "", "location": "",
            "reason": "waits for review" if held else "",
            "replaced": False, "deadline_time": step.time + policy.state_deadline, "told": False,
            "created_time": step.time,
        }  # fmt: skip
        connection.execute(DELIVERY.insert().values(**values))
        move(connection, "delivery", finding.case_id, ("", state), subject=f"{sink.name} {finding.revision}",
             time=step.time, actor=step.actor, reason="owed")  # fmt: skip


def _removed(
    connection: sa.Connection, finding: Finding, reached: dict[str, str], policy: Policy, step: Step
) -> list[SinkPolicy]:
    """Return the sinks that have something of the case and are no longer in the site file; a person is told.

    The delivery waits there, so that it can be redirected, or goes on when the sink comes back into the file.
    """
    gone = [name for name in reached if name not in {sink.name for sink in policy.sinks}]
    for name in gone:
        text = f"sink {name} is no longer in the site file and still has an earlier result: redirect its deliveries"
        tell(connection, "sink_removed", text, step.time, case_id=finding.case_id, key=f"{finding.case_id}|{name}")
    return [SinkPolicy(name, reached[name]) for name in gone]


def _sinks_reached(connection: sa.Connection, case_id: str) -> dict[str, str]:
    """Return the sinks (name and kind) that hold, or may hold, something about the case."""
    query = sa.select(DELIVERY.c.sink, DELIVERY.c.kind).where(
        DELIVERY.c.case_id == case_id, DELIVERY.c.maybe_there > 0, DELIVERY.c.replaced.is_(False)
    )
    return {row.sink: row.kind for row in connection.execute(query.order_by(DELIVERY.c.revision))}
