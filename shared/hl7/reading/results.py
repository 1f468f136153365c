"""ORU^R01 -> patients, their orders, observations and specimens (HL7 v2.5.1 7.3.1; 2.3 to 2.4 lack SPM)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from shared.hl7.reading.cell import Cell
from shared.hl7.reading.message import Message, Segment

KIND = "ORU^R01"


@dataclass(slots=True)
class Order:
    """One OBR with what belongs to it; ``request`` None where observations come without one."""

    request: Segment | None = None
    common: Segment | None = None
    """The ORC before it."""
    observations: list[Segment] = field(default_factory=list)
    specimens: list[Segment] = field(default_factory=list)

    @property
    def filler_number(self) -> Cell | None:
        """Return OBR-3, else ORC-3: the laboratory's own number of this order; None where neither states it."""
        stated = [segment.cell(3) for segment in (self.request, self.common) if segment]
        return next((cell for cell in stated if cell.stated), None)

    @property
    def specimen(self) -> Segment | None:
        """Return the SPM, where there is exactly one: of several nothing says which an observation was made on."""
        return self.specimens[0] if len(self.specimens) == 1 else None


@dataclass(slots=True)
class PatientResults:
    """One PID (None: it is missing) and her orders."""

    patient: Segment | None = None
    orders: list[Order] = field(default_factory=list)


def read_results(message: Message) -> tuple[PatientResults, ...]:
    """Return what a message reports, in its order."""
    return tuple(one for one in _grouped(message) if one.orders)


def _grouped(message: Message) -> Iterator[PatientResults]:
    group, common = PatientResults(), None
    for segment in message.segments:
        if segment.name == "PID":
            yield group
            group, common = PatientResults(segment), None
        elif segment.name == "ORC":
            common = segment
        elif segment.name == "OBR":
            group.orders.append(Order(segment, common))
            common = None
        elif segment.name in ("OBX", "SPM"):
            _add(group, segment)
    yield group


def _add(group: PatientResults, segment: Segment) -> None:
    if not group.orders:
        group.orders.append(Order())
    order = group.orders[-1]
    # An OBX behind the SPM should be about the specimen itself (7.3.1), and is often a result: its code tells.
    (order.specimens if segment.name == "SPM" else order.observations).append(segment)
