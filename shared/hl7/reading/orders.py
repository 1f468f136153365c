"""OML^O21 -> orders with their specimens and containers (HL7 v2.5.1 4.4.6), and whether each still stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.domain.refusals import Cause
from shared.hl7.reading.cell import Cell
from shared.hl7.reading.message import Message, Segment
from shared.hl7.refusal import RefusedMessageError

KIND = "OML^O21"
ACTIVE, HELD, ENDED = "active", "on-hold", "revoked"
"""As FHIR R4 request-status has it."""

# HL7 table 0119 (ORC-1). Not here, and refused: requests we cannot answer (SR, DE, UA, UC ...), and parents (PA, CH).
CONTROLS: Mapping[str, str] = {
    "NW": ACTIVE,  # new order
    "OK": ACTIVE,  # order accepted
    "XO": ACTIVE,  # change order: this message says what holds now
    "XX": ACTIVE,  # changed, unsolicited
    "XR": ACTIVE,  # changed, as requested
    "RO": ACTIVE,  # replacement order
    "SC": ACTIVE,  # status changed: ORC-5 says to what
    "NA": ACTIVE,  # number assigned
    "RL": ACTIVE,  # release of a hold
    "HD": HELD,  # hold
    "CA": ENDED,  # cancel request
    "OC": ENDED,  # cancelled
    "CR": ENDED,  # cancelled, as requested
    "DC": ENDED,  # discontinue request
    "OD": ENDED,  # discontinued
    "DR": ENDED,  # discontinued, as requested
    "RP": ENDED,  # replaced by the RO that follows
    "RU": ENDED,  # replaced, unsolicited
    "RQ": ENDED,  # replaced, as requested
}
# HL7 table 0038 (ORC-5).
STATUSES: Mapping[str, str] = {
    "": ACTIVE, "A": ACTIVE, "CM": ACTIVE, "IP": ACTIVE, "SC": ACTIVE, "HD": HELD, "CA": ENDED, "DC": ENDED,
    "RP": ENDED, "ER": ENDED,
}  # fmt: skip
_TELLS = frozenset({"SC", "OK", "NA"})
_PLACE = re.compile(r"(ORC|OBR|SPM|SAC)-(\d{1,2})(?:\.(\d{1,2}))?")


@dataclass(slots=True)
class OrderedSpecimen:
    """One SPM with its SACs."""

    specimen: Segment
    containers: list[Segment] = field(default_factory=list)


@dataclass(slots=True)
class SpecimenOrder:
    """One ORC with its OBR (a cancellation may have none) and what it is about."""

    common: Segment
    request: Segment | None = None
    specimens: list[OrderedSpecimen] = field(default_factory=list)

    @property
    def placer_number(self) -> Cell:
        """Return ORC-2, else OBR-2."""
        number = self.common.cell(2)
        return self.request.cell(2) if self.request and not number.stated else number

    @property
    def only_tells(self) -> bool:
        """Tell whether it repeats no order, and says of one on record that it stands: nothing has changed."""
        return self.request is None and self.common.cell(1).text().upper() in _TELLS

    @property
    def status(self) -> str:
        """Return whether the order stands: either ORC-1 or ORC-5 can end it.

        Raises:
            RefusedMessageError: If one of them is not a code whose meaning for the order is certain.
        """
        control, stated = self.common.cell(1), self.common.cell(5)
        found = CONTROLS.get(control.text().upper()), STATUSES.get(stated.text().upper())
        for cell, meaning, table in ((control, found[0], "0119"), (stated, found[1], "0038")):
            if meaning is None:
                raise RefusedMessageError(
                    cell.element, Cause.NOT_SUPPORTED, f"not a code of table {table} that says whether the order stands"
                )
        return next((one for one in (ENDED, HELD) if one in found), ACTIVE)

    def stated_at(self, places: tuple[str, ...], specimen: OrderedSpecimen, container: Segment | None) -> str:
        """Return the identifier at the first of these places (``SAC-3``, ``SPM-2.2``) that states one; else empty.

        Raises:
            RefusedMessageError: If a place repeats, or cannot be read.
        """
        segments = {"ORC": self.common, "OBR": self.request, "SPM": specimen.specimen, "SAC": container}
        for name, number, component in map(taken_apart, places):
            segment = segments[name]
            cell = segment.cell(number) if segment else None
            if cell and len(cell.repetitions) > 1:
                raise RefusedMessageError(cell.element, Cause.INVALID_VALUE, "repeats, and one identifier is needed")
            found = cell.component(component).subcomponent(1).text() if cell and cell.stated else ""
            if found:
                return found
        return ""


def taken_apart(place: str) -> tuple[str, int, int]:
    """Return segment, field and component (1 where none is written) of ``SPM-2.2``.

    Raises:
        ValueError: If it is no place in an order.
    """
    match = _PLACE.fullmatch(place)
    if match is None:
        raise ValueError(f"{place} is no place of ORC, OBR, SPM or SAC, as SAC-3 and SPM-2.2 are")
    return match[1], int(match[2]), int(match[3] or 1)


def read_orders(message: Message) -> tuple[Segment | None, tuple[SpecimenOrder, ...]]:
    """Return the PID and the orders, in their order.

    Raises:
        RefusedMessageError: If there is no order, or a segment stands where it cannot be told what it belongs to.
    """
    patient, orders = None, list[SpecimenOrder]()
    for segment in message.segments:
        if segment.name == "PID":
            if patient or orders:
                raise RefusedMessageError(
                    segment.place, Cause.NOT_SUPPORTED, "a second PID: one patient a message, and no prior results"
                )
            patient = segment
        elif segment.name == "ORC":
            orders.append(SpecimenOrder(segment))
        elif segment.name in ("OBR", "SPM", "SAC"):
            _add(segment, orders)
    if not orders:
        raise RefusedMessageError("ORC", Cause.UNREADABLE, "an OML orders something, and there is no ORC")
    return patient, tuple(orders)


def _add(segment: Segment, orders: list[SpecimenOrder]) -> None:
    order = orders[-1] if orders else None
    if order is None or (segment.name == "OBR" and order.request) or (segment.name == "SAC" and not order.specimens):
        before = {"OBR": "ORC", "SPM": "ORC", "SAC": "SPM"}[segment.name]
        raise RefusedMessageError(segment.place, Cause.UNREADABLE, f"stands without its {before}")
    if segment.name == "OBR":
        order.request = segment
    elif segment.name == "SPM":
        order.specimens.append(OrderedSpecimen(segment))
    else:
        order.specimens[-1].containers.append(segment)
