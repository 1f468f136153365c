"""One OBX with its OBR and SPM -> Observation, and the first reason not to believe it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeVar

from services.lab_consumer.formats.v2.site import MessageSite, code_only, concept, doubt
from services.lab_consumer.formats.v2.specimen import ID, read_specimen
from services.lab_consumer.formats.v2.value import read_range, read_value
from services.lab_consumer.handlers.submission import derived_id
from shared.domain.refusals import Cause
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.refusal import RefusedElementError
from shared.hl7.reading.cell import Cell
from shared.hl7.reading.message import Segment
from shared.hl7.reading.results import Order
from shared.hl7.reading.times import Stamp, read_time
from shared.hl7.refusal import RefusedMessageError

V = TypeVar("V")
NOTHING: JsonObject = {}

# HL7 table 0085 -> http://hl7.org/fhir/observation-status, after HL7's concept map v2-to-FHIR "ObservationStatus".
# Not here: U (final, value not sent again) and V (2.8); OBR-25 (table 0123) has the same letters for the same things.
STATUSES: Mapping[str, str] = {
    "F": "final", "P": "preliminary", "C": "corrected", "R": "preliminary", "S": "preliminary", "X": "cancelled",
    "N": "cancelled", "D": "entered-in-error", "W": "entered-in-error", "I": "registered", "O": "registered",
}  # fmt: skip
_STATES_NOTHING = frozenset({"cancelled", "entered-in-error", "registered"})
CLOCKS_DIFFER = timedelta(minutes=10)
"""A time so far ahead of our clock is a slow clock of ours; more is a wrong time."""


class Doubts:
    """Collects why a resource cannot be used; the first one counts."""

    def __init__(self) -> None:
        self.first: RefusedElementError | None = None

    def add(self, error: RefusedMessageError) -> None:
        """Remember a reason."""
        self.first = self.first or doubt(error)

    def read(self, reader: Callable[[], V], otherwise: V) -> V:
        """Return what ``reader`` reads; where it refuses, that is a doubt."""
        try:
            return reader()
        except RefusedMessageError as error:
            self.add(error)
            return otherwise


def read_observation(segment: Segment, order: Order, site: MessageSite, doubts: Doubts) -> JsonObject:
    """Return the Observation of one OBX, without a subject; what is wrong with it is added to ``doubts``.

    Raises:
        RefusedMessageError: If not even what it is about can be told.
    """
    code = _code(segment, site, doubts)
    made: JsonObject = {
        "resourceType": "Observation",
        "id": _id(segment, order, site, doubts),
        "status": doubts.read(lambda: _status(segment, order), "unknown"),
        "code": code,
    }
    if made["status"] in _STATES_NOTHING:
        return made
    made |= doubts.read(lambda: read_value(segment, site), NOTHING)
    stamp = doubts.read(lambda: _time(segment, order, site), None)
    if stamp:
        made["effectiveDateTime"] = stamp.fhir
    ranges = read_range(segment)
    method = doubts.read(lambda: concept(segment.cell(17), site), NOTHING)
    specimen = doubts.read(lambda: read_specimen(order, site), NOTHING)
    made |= ({"referenceRange": ranges} if ranges else {}) | ({"method": method} if method else {})
    return made | ({"contained": [specimen], "specimen": {"reference": f"#{ID}"}} if specimen else {})


def _code(segment: Segment, site: MessageSite, doubts: Doubts) -> JsonObject:
    field = segment.cell(3)
    if not field.stated:
        raise RefusedMessageError(field.element, Cause.INVALID_VALUE, "nothing says what was observed")
    return doubts.read(lambda: concept(field, site), NOTHING) or code_only(field, site) or {"text": "?"}


def _id(segment: Segment, order: Order, site: MessageSite, doubts: Doubts) -> str:
    """Derive the id from the laboratory's order number, OBX-3 and OBX-4: a correction has the same three."""
    number = order.filler_number
    if number is None:
        element = "OBR[1]-3" if order.request is None else order.request.cell(3).element
        doubts.add(
            RefusedMessageError(
                element, Cause.INVALID_VALUE,
                "the laboratory's order number is missing: a correction could not be told from a new result",
            )
        )  # fmt: skip
    authority = [number.component(place).written for place in (2, 3)] if number else []
    said = [
        number.component(1).written if number else segment.place, authority if any(authority) else site.sender,
        segment.cell(3).component(1).written, segment.cell(3).component(3).written, segment.cell(4).written,
    ]  # fmt: skip
    return derived_id(["Observation", *said])


def _status(segment: Segment, order: Order) -> str:
    own = segment.cell(11)
    field = own if own.stated or order.request is None else order.request.cell(25)
    status = STATUSES.get(field.text())
    if status is None:
        raise RefusedMessageError(
            own.element, Cause.INVALID_VALUE,
            f"a result status is needed: one of {', '.join(sorted(STATUSES))}, here or in OBR-25",
        )  # fmt: skip
    return status


def _time(segment: Segment, order: Order, site: MessageSite) -> Stamp | None:
    stamp = _collected(segment, order, site)
    if stamp and stamp.begins_after(site.now + CLOCKS_DIFFER):
        raise RefusedMessageError(
            segment.cell(14).element, Cause.INVALID_VALUE,
            "the time of collection lies in the future: a wrong clock, or another zone than mllp_time_zone",
        )  # fmt: skip
    if stamp is None:
        raise RefusedMessageError(
            segment.cell(14).element, Cause.INVALID_VALUE,
            "nothing says when the specimen was taken: neither OBX-14 nor SPM-17 nor OBR-7",
        )  # fmt: skip
    return stamp


def _collected(segment: Segment, order: Order, site: MessageSite) -> Stamp | None:
    fields: list[Cell] = [segment.cell(14)]
    fields += [order.specimen.cell(17)] if order.specimen else []
    fields += [order.request.cell(7)] if order.request else []
    return next((stamp for field in fields if (stamp := read_time(field, site.zone))), None)
