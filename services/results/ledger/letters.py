"""What a person does about deliveries: see those that did not arrive, send one again, send it elsewhere."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from services.results.ledger.cases import Step, locked
from services.results.ledger.database import reading, writing
from services.results.ledger.leaving import asks_a_person
from services.results.ledger.pages import page
from services.results.ledger.policy import Policy, SinkPolicy
from services.results.ledger.recalled import finding_recalled
from services.results.ledger.record import move
from services.results.ledger.requests import once
from services.results.ledger.tables import DELIVERY, FINDING
from shared.domain.case import Currency, DeliveryState, FindingKind, ReviewState
from shared.domain.deliveries import Letter
from shared.domain.errors import ConflictError, InvalidInputError, NotFoundError

DEFAULT_PAGE = 100
SHORTEST_PREFIX = 8
_DICOM = frozenset({"dicom-cstore", "dicom-stow", "folder"})
COMPATIBLE = {"dicom-cstore": _DICOM, "dicom-stow": _DICOM, "fhir": frozenset({"fhir", "folder"}),
              "folder": frozenset({"folder"}), "hl7-mllp": frozenset({"hl7-mllp", "folder"})}  # fmt: skip
"""Kind of sink -> kinds that can take its deliveries instead."""


@dataclass(frozen=True, slots=True)
class Letters:
    """The ledger's side of ListDeliveries, ResendDelivery and RedirectDelivery."""

    engine: sa.Engine
    policy: Policy

    def listed(self, state: DeliveryState | None, sink: str = "", page_size: int = 0) -> tuple[Letter, ...]:
        """Return deliveries, oldest first; dead letters without those that nobody needs any more."""
        query = _joined().order_by(DELIVERY.c.created_time, DELIVERY.c.delivery_id)
        query = query.limit(page(page_size, DEFAULT_PAGE))
        if state is not None:
            query = query.where(DELIVERY.c.state == state.value)
        if state is DeliveryState.DEAD_LETTER:
            query = query.where(asks_a_person())
        if sink:
            query = query.where(DELIVERY.c.sink == sink)
        with reading(self.engine) as connection:
            return tuple(_letter(row) for row in connection.execute(query))

    def resend(self, request_id: str, delivery_id: str, step: Step) -> str:
        """Make a dead letter due again; return its full id.

        Raises:
            NotFoundError: If there is none of this id (a unique prefix will do).
            ConflictError: If it is no dead letter, or a later result took its place.
        """
        with writing(self.engine) as connection:
            answer = once(connection, request_id, "ResendDelivery", step.time,
                          lambda: self._resend(connection, delivery_id, step))  # fmt: skip
        return str(answer)

    def redirect(self, request_id: str, delivery_id: str, to_sink: str, step: Step) -> str:
        """Owe a dead letter, or what waits for a sink that is gone, to another sink; return the new delivery's id.

        Raises:
            NotFoundError: If there is no such delivery.
            InvalidInputError: If the site has no such sink, or it takes other objects.
            ConflictError: If the delivery moves by itself, is superseded, must be reviewed first, or is there already.
        """
        with writing(self.engine) as connection:
            answer = once(connection, request_id, "RedirectDelivery", step.time,
                          lambda: self._redirect(connection, delivery_id, to_sink, step))  # fmt: skip
        return str(answer)

    def _resend(self, connection: sa.Connection, delivery_id: str, step: Step) -> str:
        row = _current(connection, delivery_id)
        if row.state != DeliveryState.DEAD_LETTER:
            raise ConflictError(f"delivery {row.delivery_id} is {row.state}, not a dead letter")
        _due(connection, row, self.policy, step)
        return str(row.delivery_id)

    def _redirect(self, connection: sa.Connection, delivery_id: str, to_sink: str, step: Step) -> str:
        row = _current(connection, delivery_id)
        sink = self._compatible(row, to_sink)
        gone = row.sink not in {one.name for one in self.policy.sinks}
        if row.state != DeliveryState.DEAD_LETTER and not (gone and row.state == DeliveryState.DUE):
            raise ConflictError(f"delivery {row.delivery_id} is {row.state} and moves by itself: nothing to redirect")
        review = ReviewState(row.review)
        takes_back = row.finding_kind == FindingKind.WITHDRAWN  # nobody reviews a withdrawal, and it must not wait
        if sink.hold_until_reviewed and not takes_back and review in {ReviewState.WAITING, ReviewState.NOT_REQUIRED}:
            raise ConflictError(f"{to_sink} takes only what a person has reviewed, and nobody reviewed this finding")
        self._leave(connection, row, f"redirected to {to_sink}: {step.reason}", step)
        return self._arrive(connection, row, sink, step, gone=gone)

    def _compatible(self, row: sa.Row[Any], to_sink: str) -> SinkPolicy:
        sink = next((one for one in self.policy.sinks if one.name == to_sink), None)
        if sink is None:
            known = ", ".join(one.name for one in self.policy.sinks)
            raise InvalidInputError("to_sink", f"the site has no sink {to_sink}; it has {known}")
        if sink.name == row.sink:
            raise InvalidInputError("to_sink", "that is its sink already: resend it instead")
        if sink.kind not in COMPATIBLE.get(row.kind, frozenset()):
            raise InvalidInputError("to_sink", f"a {sink.kind} sink cannot take what is for a {row.kind} sink")
        return sink

    def _leave(self, connection: sa.Connection, row: sa.Row[Any], reason: str, step: Step) -> None:
        if row.state == DeliveryState.DUE:
            _record(connection, row, (DeliveryState.DUE, DeliveryState.DEAD_LETTER), step, reason)
        else:
            _record(connection, row, (DeliveryState.DEAD_LETTER, DeliveryState.DEAD_LETTER), step, reason)
        _write(connection, row.delivery_id, state=DeliveryState.DEAD_LETTER.value, reason=reason, deadline_time=None,
               moved=True)  # fmt: skip

    def _arrive(self, connection: sa.Connection, row: sa.Row[Any], sink: SinkPolicy, step: Step, *, gone: bool) -> str:
        origin = "" if row.from_sink == sink.name else row.from_sink or row.sink
        query = sa.select(DELIVERY).where(DELIVERY.c.finding_id == row.finding_id, DELIVERY.c.sink == sink.name)
        there = connection.execute(query.with_for_update()).first()
        if there is not None:
            if gone and there.state in {DeliveryState.DUE, DeliveryState.SENDING, DeliveryState.DELIVERED}:
                return str(there.delivery_id)  # nobody can deliver to a sink that is gone: this one stands for it
            if there.state != DeliveryState.DEAD_LETTER:
                raise ConflictError(f"the finding is {there.state} at {sink.name} already")
            _due(connection, there, self.policy, step)
            _write(connection, there.delivery_id, from_sink=origin)
            return str(there.delivery_id)
        delivery_id = uuid.uuid5(uuid.NAMESPACE_OID, f"{row.finding_id}|{sink.name}").hex
        values = {
            "delivery_id": delivery_id, "finding_id": row.finding_id, "case_id": row.case_id, "revision": row.revision,
            "sink": sink.name, "kind": sink.kind, "state": DeliveryState.DUE.value, "tries": 0, "token": 0,
            "next_time": step.time, "object_id": "", "location": "", "reason": step.reason, "replaced": False,
            "deadline_time": step.time + self.policy.state_deadline, "told": False, "created_time": step.time,
            "from_sink": origin,
        }  # fmt: skip
        connection.execute(DELIVERY.insert().values(**values))
        move(connection, "delivery", row.case_id, ("", DeliveryState.DUE), subject=f"{sink.name} {row.revision}",
             time=step.time, actor=step.actor, reason=f"redirected from {row.sink}: {step.reason}")  # fmt: skip
        return delivery_id


def resend_case(connection: sa.Connection, case_id: str, policy: Policy, step: Step) -> int:
    """Make the dead letters of the case's current finding due again; return their number.

    Those of what is superseded stay: resending them would make an old result look current.
    """
    locked(connection, case_id)
    rows = list(connection.execute(_joined().where(DELIVERY.c.case_id == case_id, asks_a_person())))
    rows = [row for row in rows if not _recalled(connection, row)]
    for row in rows:
        _due(connection, row, policy, step)
    return len(rows)


def _recalled(connection: sa.Connection, row: sa.Row[Any]) -> str:
    finding = connection.execute(sa.select(FINDING).where(FINDING.c.finding_id == row.finding_id)).one()
    return finding_recalled(connection, finding)


def _joined() -> sa.Select[Any]:
    columns = (DELIVERY, FINDING.c.currency, FINDING.c.kind.label("finding_kind"))
    return sa.select(*columns).join(FINDING, FINDING.c.finding_id == DELIVERY.c.finding_id)


def _current(connection: sa.Connection, delivery_id: str) -> sa.Row[Any]:
    """Return a delivery of a current finding, with its case locked: nothing can supersede it meanwhile."""
    if len(delivery_id) < SHORTEST_PREFIX:
        raise NotFoundError("delivery", delivery_id)
    by_prefix = DELIVERY.c.delivery_id.startswith(delivery_id, autoescape=True)
    found = list(connection.execute(sa.select(DELIVERY.c.delivery_id, DELIVERY.c.case_id).where(by_prefix).limit(2)))
    if not found:
        raise NotFoundError("delivery", delivery_id)
    if len(found) > 1:
        raise ConflictError(f"several deliveries begin with {delivery_id}; give more digits")
    case = locked(connection, found[0].case_id)
    query = _joined().where(DELIVERY.c.delivery_id == found[0].delivery_id)
    row = connection.execute(query.add_columns(sa.literal(case.review).label("review"))).one()
    if row.currency != Currency.CURRENT:
        raise ConflictError("a later result took its place: it must not be sent any more")
    recalled = _recalled(connection, row)
    if recalled:
        raise ConflictError(f"{recalled}: it must not be sent any more")
    return row


def _due(connection: sa.Connection, row: sa.Row[Any], policy: Policy, step: Step) -> None:
    _record(connection, row, (DeliveryState(row.state), DeliveryState.DUE), step, step.reason)
    _write(connection, row.delivery_id, state=DeliveryState.DUE.value, tries=0, next_time=step.time,
           reason=step.reason, told=False, moved=False, deadline_time=step.time + policy.state_deadline)  # fmt: skip


def _record(
    connection: sa.Connection, row: sa.Row[Any], states: tuple[DeliveryState, DeliveryState], step: Step, reason: str
) -> None:
    subject = f"{row.sink} {row.revision}"
    move(connection, "delivery", row.case_id, states, subject=subject, time=step.time, actor=step.actor, reason=reason)


def _write(connection: sa.Connection, delivery_id: str, **values: Any) -> None:
    connection.execute(DELIVERY.update().where(DELIVERY.c.delivery_id == delivery_id).values(**values))


def _letter(row: sa.Row[Any]) -> Letter:
    return Letter(
        row.delivery_id, row.case_id, row.finding_id, row.revision, row.sink, row.kind, DeliveryState(row.state),
        row.tries, row.reason, Currency(row.currency), row.next_time, bool(row.maybe_there),
    )  # fmt: skip
