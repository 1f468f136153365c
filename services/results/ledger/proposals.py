"""An automatic region that waits for a person: kept with its case, until it is confirmed, rejected, or the time is up.

What was decided holds for exactly these images and this side: the same question asked again, with another fact, gets
the same region. A late series makes it void.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from services.results.ledger import audit
from services.results.ledger.cases import Step, advance, change, locked
from services.results.ledger.codec import digest, dump, load
from services.results.ledger.database import writing
from services.results.ledger.policy import Policy
from services.results.ledger.record import tell
from services.results.ledger.requests import once
from shared.domain.case import InferenceState, Pins
from shared.domain.errors import ConflictError, InvalidInputError
from shared.domain.images import AutomaticRegion, PinnedRegion, RegionProposed

NOBODY_IN_TIME = "the region that was found automatically was not confirmed in time and is not used"
REJECTED = "the region that was found automatically was rejected by a person and is not used"


class Verdict(StrEnum):
    """What became of a proposed region."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    LATE = "late"
    """Nobody looked before the deadline; it may still be confirmed, and the case is then asked again."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed region and what was decided about it."""

    proposed: RegionProposed
    rests_on: str
    """``images_digest`` of the pins it was found with."""
    verdict: Verdict = Verdict.WAITING
    actor: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Proposals:
    """The ledger's side of ConfirmRegion."""

    engine: sa.Engine

    def confirm(self, request_id: str, case_id: str, region: str, *, confirmed: bool, step: Step) -> InferenceState:
        """Record what a person says of the region with the digest ``region``; the case is asked again at once.

        Raises:
            ConflictError: If no region waits, or another one does than the one that was looked at.
            InvalidInputError: If it is rejected without a reason.
        """
        if not confirmed and not step.reason:
            raise InvalidInputError("reason", "one sentence must say why the region is not the tumour")
        with writing(self.engine) as connection:
            state = once(
                connection, request_id, "ConfirmRegion", step.time,
                lambda: _decide(connection, case_id, region, confirmed, step), actor=step.actor, case_id=case_id,
            )  # fmt: skip
        return InferenceState(state)


def propose(
    connection: sa.Connection, row: sa.Row[Any], pins: Pins, proposed: RegionProposed, policy: Policy, step: Step
) -> None:
    """Lead a running case back to collecting, where it waits for a person; people are told."""
    until = step.time + policy.collect
    held = Proposal(proposed, images_digest(pins))
    advance(connection, row, InferenceState.COLLECTING, replace(step, reason=_waits(held)), told=False, attempts=0,
            proposal=dump(held), pin_digest="", evaluate_time=until, collect_until=until,
            deadline_time=until)  # fmt: skip
    tell(connection, "region_waits", f"{proposed.text}: `oncorelay case {row.case_id[:12]}`", step.time,
         case_id=row.case_id, key=f"{row.case_id}|{proposed.artefact.digest}")  # fmt: skip


def with_region(connection: sa.Connection, row: sa.Row[Any], pins: Pins, policy: Policy, now: datetime) -> Pins | None:
    """Return the pins with what was decided about the region; None while a person is waited for.

    A proposal that rests on other images is forgotten here.
    """
    held = held_by(row)
    if held is None:
        return pins
    if held.rests_on != images_digest(pins) or _moot(held, pins):
        change(connection, row.case_id, now, proposal=None)
        return pins
    if held.verdict is Verdict.WAITING and row.state == InferenceState.COLLECTING and now >= row.collect_until:
        held = replace(held, verdict=Verdict.LATE)
        change(connection, row.case_id, now, proposal=dump(held))
    if held.verdict is Verdict.WAITING:
        _keep_waiting(connection, row, held, policy, now)
        return None
    return _decided(pins, held)


def open_of(row: sa.Row[Any]) -> RegionProposed | None:
    """Return the region a person may still confirm; None where there is none."""
    held = held_by(row)
    if held is None or row.closed:
        return None
    waits = held.verdict is Verdict.WAITING and row.state == InferenceState.COLLECTING
    return held.proposed if waits or held.verdict is Verdict.LATE else None


def held_by(row: sa.Row[Any]) -> Proposal | None:
    """Return the case's proposal, decided or not."""
    return load(row.proposal, Proposal) if row.proposal else None


def images_digest(pins: Pins) -> str:
    """Return a digest of what a region depends on: the images, and the side it is looked for on."""
    images = sorted(f"{one.sop_instance_uid}|{one.content_digest}" for one in pins.instances)
    return digest(pins.study_instance_uid, str(pins.side or ""), *images)


def _decide(connection: sa.Connection, case_id: str, region: str, confirmed: bool, step: Step) -> str:  # noqa: FBT001 - a verdict
    row = locked(connection, case_id)
    held = held_by(row)
    if held is None or open_of(row) is None:
        raise ConflictError(f"no region of case {case_id} waits for a person")
    if held.proposed.artefact.digest != region:
        raise ConflictError("another region waits by now than the one that was looked at: look again")
    verdict = Verdict.CONFIRMED if confirmed else Verdict.REJECTED
    decided = replace(held, verdict=verdict, actor=step.actor, reason=step.reason)
    change(connection, case_id, step.time, proposal=dump(decided), evaluate_time=step.time)
    audit.note(connection, f"region.{verdict}", case_id, time=step.time, actor=step.actor, case_id=case_id,
               region=region, reason=step.reason)  # fmt: skip
    return str(row.state)


def _moot(held: Proposal, pins: Pins) -> bool:
    """Tell whether the site asks for no confirmation any more, and nobody has given one."""
    if pins.imaging is None:
        return True
    asks = pins.imaging.automatic_region is AutomaticRegion.CONFIRM
    return not asks and held.verdict in {Verdict.WAITING, Verdict.LATE}


def _decided(pins: Pins, held: Proposal) -> Pins:
    if held.verdict is Verdict.CONFIRMED:
        proposed = held.proposed
        return replace(pins, region=PinnedRegion(proposed.artefact, held.actor, proposed.region.method))
    note = NOBODY_IN_TIME if held.verdict is Verdict.LATE else f"{REJECTED}: {held.reason}"
    never = replace(pins.imaging, automatic_region=AutomaticRegion.NEVER) if pins.imaging else None
    return replace(pins, imaging=never, notes=(*pins.notes, note))


def _keep_waiting(connection: sa.Connection, row: sa.Row[Any], held: Proposal, policy: Policy, now: datetime) -> None:
    if row.state == InferenceState.COLLECTING:
        change(connection, row.case_id, now, reason=_waits(held), evaluate_time=row.collect_until)
        return
    until = now + policy.collect
    advance(connection, row, InferenceState.COLLECTING, Step("dispatch", now, _waits(held)), told=False,
            evaluate_time=until, collect_until=until, deadline_time=until)  # fmt: skip


def _waits(held: Proposal) -> str:
    return f"waiting for a person to confirm the region ({held.proposed.text})"
