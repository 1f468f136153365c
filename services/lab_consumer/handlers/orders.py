"""From a patient's ServiceRequests to the slides that are ordered, and what changed of them to who ingests slides."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from services.lab_consumer.handlers.record import Record
from services.lab_consumer.ports.records import Statement, StatementKind, Version
from services.lab_consumer.ports.store import Writing
from shared.domain.identity import Demographics, PatientIdentity
from shared.domain.slide_orders import OrderStatus, SlideOrder
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.refusal import RefusedElementError
from shared.fhir.reading.slide_request import ENDED, HL7_ORDER, Glass, read_glasses

_TYPE = "ServiceRequest"
_GONE = "the order is gone, or does not name this slide any more"


def ordered(
    record: Record, identity: PatientIdentity | None, demographics: Demographics, now: datetime
) -> Iterator[Statement]:
    """Yield the slides that are ordered for a patient, and why an order cannot be used; in a fixed order."""
    for version, content in record.of_type(_TYPE):
        try:
            for glass in read_glasses(content, _referring(record, content)):
                order = _order(version, content, glass, identity, demographics, now)
                yield Statement(StatementKind.ORDER, order.order_id, order)
        except RefusedElementError as refusal:
            yield Statement(StatementKind.PROBLEM, f"{version.source} {refusal.element}", refusal.reason)


def follow(
    writing: Writing,
    identity: PatientIdentity,
    versions: Sequence[Version],
    before: Sequence[Statement],
    changed: Sequence[Statement],
) -> None:
    """Hand over what is new, and take back what is gone.

    Withdrawals come first: an order that moved to another identity in this transaction is hers by then.
    """
    known = {row.key: row.value for row in before if isinstance(row.value, SlideOrder)}
    contents = {version.source: version.content for version in versions if version.resource_type == _TYPE}
    version = writing.now.isoformat(timespec="microseconds") if any(_is_order(row) for row in changed) else ""
    for row in filter(_is_order, changed):
        last = known.get(row.key)
        if isinstance(row.value, SlideOrder):
            writing.hand_over(replace(row.value, version=version, recorded_time=writing.now))
        elif last:
            why = _why(contents.get(row.key.partition("#")[0]))
            gone = replace(last, status=OrderStatus.WITHDRAWN, reason=why, version=version, recorded_time=writing.now)
            writing.hand_over(gone, only_of=identity)


def same_order(old: SlideOrder, new: SlideOrder) -> bool:
    """Tell whether two say the same: when they were recorded is no difference."""
    return replace(old, version=new.version, recorded_time=new.recorded_time) == new


def _is_order(row: Statement) -> bool:
    return row.kind is StatementKind.ORDER


def _why(content: Mapping[str, Any] | None) -> str:
    return ENDED.get(str((content or {}).get("status", "")), _GONE)


def _referring(record: Record, content: JsonObject) -> Any:
    return lambda reference: record.referred(content, reference)


def _order(
    version: Version, content: JsonObject, glass: Glass, identity: PatientIdentity | None, whose: Demographics,
    now: datetime,
) -> SlideOrder:  # fmt: skip
    return SlideOrder(
        f"{version.source}#{glass.name}", _source(content), version.version, OrderStatus.ACTIVE, identity, whose,
        glass.specimen, glass.container, now, glass.stain, glass.tissue, glass.after_therapy, glass.side,
        placer=_placer(content), placer_authority=_placer_authority(content),
    )  # fmt: skip


def _placer(content: JsonObject) -> str:
    """Return the placer's number: ORC-2 of a message, else the requisition the resource states."""
    return str(content.get("requisition", {}).get("value", ""))


def _placer_authority(content: JsonObject) -> tuple[str, ...]:
    """Return EI.2 to EI.4 of the placer's number of a message."""
    named = content.get("requisition", {})
    if named.get("system") != HL7_ORDER:
        return ()
    stated = ((named.get("assigner") or {}).get("identifier") or {}).get("value", "[]")
    return _words(str(stated))


def _source(content: JsonObject) -> str:
    """Return ``fhir``, or ``hl7`` with MSH-3 and MSH-4 of who sent it."""
    named = content.get("requisition", {})
    if named.get("system") != HL7_ORDER:
        return "fhir"
    sender = _words(str((named.get("assigner") or {}).get("display", "")))
    return " ".join(["hl7", *(part for part in sender if part)])


def _words(text: str) -> tuple[str, ...]:
    """Return the texts of a JSON list; none of anything else."""
    try:
        found = json.loads(text)
    except ValueError:
        return ()
    return tuple(str(part) for part in found) if isinstance(found, list) else ()
