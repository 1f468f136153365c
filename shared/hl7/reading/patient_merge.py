"""ADT^A40 "merge patient - patient identifier list" -> the one event (HL7 v2.5.1 chapter 3, 3.3.40).

MRG-1 names the identifier that ends, PID-3 the one that survives; both are CX.
"""

from __future__ import annotations

from shared.domain.governance import PatientChange, PatientChangeKind
from shared.domain.identity import IdentityMap, PatientIdentity
from shared.domain.refusals import Cause
from shared.hl7.reading.message import Message, Segment
from shared.hl7.reading.patient import identity_of
from shared.hl7.refusal import RefusedMessageError

KIND = "ADT^A40"
_LONGEST_NAME = 64


def read_merge(message: Message, identities: IdentityMap) -> tuple[PatientChange, ...]:
    """Return the merges of one ADT^A40 message, one per PID and MRG pair.

    Raises:
        RefusedMessageError: If it is no A40 we can act on; names the field.
    """
    if message.header.kind != KIND:
        raise RefusedMessageError("MSH-9", Cause.NOT_SUPPORTED, "not an ADT^A40")
    changes, survivor = [], None
    for segment in message.segments:
        if segment.name == "PID":
            survivor = identity_of(segment.cell(3), identities)
        elif segment.name == "MRG":
            changes.append(_merge(segment, survivor, message, identities))
            survivor = None
    if not changes:
        raise RefusedMessageError("MRG", Cause.UNREADABLE, "an A40 names who was merged")
    return tuple(changes)


def _merge(
    segment: Segment, survivor: PatientIdentity | None, message: Message, identities: IdentityMap
) -> PatientChange:
    field = segment.cell(1)
    ends = identity_of(field, identities)
    if survivor is None:
        raise RefusedMessageError("PID", Cause.UNREADABLE, "an MRG follows the PID of the patient who survives")
    if ends == survivor:
        raise RefusedMessageError(field.element, Cause.INVALID_VALUE, "names the patient who survives")
    named = f"{KIND} {message.header.control_id[:_LONGEST_NAME]}"
    return PatientChange(PatientChangeKind.MERGE, ends, survivor, named)
