"""ACK: MSH, MSA, ERR (HL7 v2.5.1 2.14.1), in the delimiters and the version of the message it answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.hl7.delimiters import Delimiters
from shared.hl7.reading.header import VERSIONS, Header

_PLACE = re.compile(r"(?P<segment>[A-Z][A-Z0-9]{2})(\[(?P<number>\d+)\])?(-(?P<field>\d+))?(\.(?P<component>\d+))?.*")
# HL7 table 0357 (v2.5.1 2.14.5.3)
CONDITIONS = {
    100: "Segment sequence error", 101: "Required field missing", 102: "Data type error", 103: "Table value not found",
    200: "Unsupported message type", 201: "Unsupported event code", 202: "Unsupported processing id",
    203: "Unsupported version id", 204: "Unknown key identifier", 205: "Duplicate key identifier",
    206: "Application record locked", 207: "Application internal error",
}  # fmt: skip
_ERR_OF_ONE_FIELD = ("2.3", "2.3.1", "2.4")
"""Versions whose ERR has only ERR-1."""
_MOST_ERRORS = 20
_LONGEST_TEXT = 80  # MSA-3 is ST of 80 characters
_COMMITS = {"AA": "CA", "AE": "CE", "AR": "CR"}  # HL7 table 0008
NO_HEADER = Header(("MSH", "|", "^~\\&", *[""] * 6, "", "", "P", "2.5.1"), Delimiters())
"""What is answered to bytes that have no header."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something was not taken."""

    element: str
    """``OBX[2]-5.1``, or a word that names the whole (``message``)."""
    condition: int
    """ERR-3, table 0357."""
    code: str
    """ERR-5: our own word for the cause."""
    text: str
    severity: str = "E"
    """ERR-4: E or W (table 0516)."""


@dataclass(frozen=True, slots=True)
class Acknowledgment:
    """What is answered."""

    code: str
    """MSA-1: AA, AE or AR (table 0008)."""
    text: str = ""
    faults: tuple[Fault, ...] = ()


def write(answer: Acknowledgment, header: Header, now: datetime, control_id: str) -> bytes:
    """Return the ACK to the message of ``header``; what is echoed comes back as it came.

    A sender that asks for nothing but a commit acknowledgment (MSH-15 stated, MSH-16 ``NE``; 2.9.3) gets CA, CE or CR:
    ours always means that the message was kept, or why it was not.
    """
    enhanced = header.cell(15).stated and header.cell(16).written.strip() == "NE"
    code = _COMMITS[answer.code] if enhanced else answer.code
    marks = header.delimiters
    msa = ["MSA", code, header.control_id, marks.escaped(answer.text[:_LONGEST_TEXT])]
    segments = [_header(header, now, control_id), marks.field.join(msa).rstrip(marks.field)]
    version = header.version if header.version in VERSIONS else "2.5.1"
    segments += _errors(answer.faults[:_MOST_ERRORS], marks, version)
    return "".join(segment + "\r" for segment in segments).encode("latin-1", "replace")


def _header(header: Header, now: datetime, control_id: str) -> str:
    marks, event = header.delimiters, header.cell(9).component(2).written
    version = header.version if header.version in VERSIONS else "2.5.1"
    kind = ["ACK", event, "ACK"] if version != "2.3" else ["ACK", event]
    if not event:
        kind = ["ACK"]
    encoding = "".join((marks.component, marks.repetition, marks.escape, marks.subcomponent))
    sent = now.strftime("%Y%m%d%H%M%S%z")
    fields = [
        "MSH", encoding, *(header.cell(number).written for number in (5, 6, 3, 4)), sent, "",
        marks.component.join(kind), control_id, header.cell(11).written or "P", version,
    ]  # fmt: skip
    return marks.field.join(fields)


def _errors(faults: Sequence[Fault], marks: Delimiters, version: str) -> list[str]:
    """Return an ERR for each fault; before 2.5 there is one, whose only field repeats (2.3: 2.16.3)."""
    if version in _ERR_OF_ONE_FIELD:  # it knows no warnings
        located = [_located(fault, marks) for fault in faults if fault.severity == "E"]
        return [f"ERR{marks.field}" + marks.repetition.join(located)] if located else []
    return [_err(fault, marks) for fault in faults]


def _located(fault: Fault, marks: Delimiters) -> str:
    segment, number, field, _ = _place(fault)
    code = marks.subcomponent.join(_condition(fault))
    return marks.component.join([segment, number, field, code])


def _err(fault: Fault, marks: Delimiters) -> str:
    segment, number, field, component = _place(fault)
    place = [segment, number, field, *(["1", component] if component else [])]  # ERL: repetition, component
    fields = [
        "ERR", "", marks.component.join(place).rstrip(marks.component), marks.component.join(_condition(fault)),
        fault.severity, marks.component.join([marks.escaped(fault.code), "", "99ONCORELAY"]), "",
        marks.escaped(fault.element), marks.escaped(fault.text),
    ]  # fmt: skip
    return marks.field.join(fields)


def _place(fault: Fault) -> tuple[str, str, str, str]:
    """Return segment, its number, field and component; empty where the fault is about the whole message."""
    match = _PLACE.fullmatch(fault.element)
    if match is None:
        return "", "", "", ""
    named = match.groupdict("")
    return named["segment"], named["number"] or "1", named["field"], named["component"] if named["field"] else ""


def _condition(fault: Fault) -> tuple[str, str, str]:
    return str(fault.condition), CONDITIONS.get(fault.condition, ""), "HL70357"


def faults_of(rows: Sequence[Fault]) -> str:
    """Return MSA-3: the first reason, and how many there are."""
    if not rows:
        return ""
    more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
    return f"{rows[0].element}: {rows[0].text}"[: _LONGEST_TEXT - len(more)] + more
