"""ACK: MSA and ERR as somebody else writes them (HL7 v2.5.1 2.14.1); only codes are kept, texts may name a patient."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.domain.refusals import Cause
from shared.hl7.reading.header import Header
from shared.hl7.reading.message import Limits, Message, parse
from shared.hl7.refusal import RefusedMessageError
from shared.hl7.writing.acknowledgment import CONDITIONS

CODES = ("AA", "AE", "AR", "CA", "CE", "CR")
"""Table 0008."""
_MOST_SEGMENTS = 200
_MOST_CONDITIONS = 5
_FIELD = re.compile(r"[A-Z][A-Z0-9]{2}")
_NUMBER = re.compile(r"\d{1,3}")


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered to which message."""

    code: str
    """MSA-1."""
    control_id: str
    """MSA-2: MSH-10 of the message that is answered."""
    conditions: tuple[str, ...] = ()
    """ERR-3 with the standard's own words (table 0357), and the segment and field it names."""


def read(content: bytes) -> Answered:
    """Return the answer in ``content``.

    Raises:
        RefusedMessageError: If it is no acknowledgment.
    """
    message = parse(content, Header.of(content), Limits(_MOST_SEGMENTS, "8859/1"))
    msa = next(message.named("MSA"), None)
    if msa is None:
        raise RefusedMessageError("MSA", Cause.UNREADABLE, "an answer has a segment MSA")
    code = msa.cell(1).written.strip()
    if code not in CODES:
        raise RefusedMessageError("MSA-1", Cause.UNREADABLE, f"an answer says one of {', '.join(CODES)}")
    return Answered(code, msa.cell(2).written.strip(), tuple(_conditions(message))[:_MOST_CONDITIONS])


def _conditions(message: Message) -> list[str]:
    found = []
    for row in message.named("ERR"):
        number = row.cell(3).component(1).written.strip()
        if not _NUMBER.fullmatch(number):
            continue
        segment, field = row.cell(2).component(1).written.strip(), row.cell(2).component(3).written.strip()
        place = (
            f" at {segment}" + (f"-{field}" if _NUMBER.fullmatch(field) else "") if _FIELD.fullmatch(segment) else ""
        )
        found.append(f"{number} {CONDITIONS.get(int(number), 'not in table 0357').lower()}{place}")
    return found
