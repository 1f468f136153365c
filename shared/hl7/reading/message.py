"""ER7 -> segments (HL7 v2.5.1 2.6), bounded; ADD segments joined to what they continue (2.10.2)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shared.domain.refusals import Cause
from shared.hl7.character_sets import decoded
from shared.hl7.delimiters import Delimiters
from shared.hl7.reading.cell import Cell
from shared.hl7.reading.header import Header
from shared.hl7.refusal import RefusedMessageError

_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a message may be."""

    max_segments: int = 5000
    default_character_set: str = "ASCII"
    """Name of table 0211 that holds where MSH-18 states nothing; HL7's own default is ASCII."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment; ``number`` counts those of its name within the message, from 1."""

    name: str
    number: int
    fields: tuple[str, ...]
    delimiters: Delimiters
    codec: str

    @property
    def place(self) -> str:
        """Return ``OBX[2]``."""
        return f"{self.name}[{self.number}]"

    def cell(self, number: int) -> Cell:
        """Return field ``number`` (from 1); empty where there is none."""
        written = self.fields[number] if len(self.fields) > number else ""
        return Cell(written, f"{self.place}-{number}", self.delimiters, self.codec)


@dataclass(frozen=True, slots=True)
class Message:
    """A message that could be read; ``segments`` without MSH."""

    header: Header
    segments: tuple[Segment, ...]

    def named(self, name: str) -> Iterator[Segment]:
        """Yield the segments of a name."""
        return (segment for segment in self.segments if segment.name == name)


def parse(content: bytes, header: Header, limits: Limits) -> Message:
    """Return the segments of a message.

    Raises:
        RefusedMessageError: If the character set, a segment or the number of segments is not right.
    """
    stated = header.cell(18).written.split(header.delimiters.repetition)[0]
    text, codec = decoded(content, stated, limits.default_character_set)
    if _NOT_TEXT.search(text):
        raise RefusedMessageError("message", Cause.UNREADABLE, "holds control characters, which are no text")
    lines = [line for line in text.replace("\n", "\r").split("\r", limits.max_segments + 1) if line]
    if len(lines) > limits.max_segments:
        raise RefusedMessageError("message", Cause.TOO_LARGE, f"more than {limits.max_segments} segments")
    return Message(header, tuple(_segments(_joined(lines[1:], header.delimiters), header.delimiters, codec)))


def _joined(lines: Iterable[str], delimiters: Delimiters) -> Iterator[str]:
    """Append what an ADD carries to the segment before it; an empty one only marks that the message goes on."""
    pending: list[str] = []
    for line in lines:
        if not line.startswith("ADD" + delimiters.field) and line != "ADD":
            if pending:
                yield "".join(pending)
            pending = [line]
        elif not pending:
            raise RefusedMessageError("ADD[1]", Cause.UNREADABLE, "continues no segment")
        else:
            pending.append(line[4:])
    if pending:
        yield "".join(pending)


def _segments(lines: Iterable[str], delimiters: Delimiters, codec: str) -> Iterator[Segment]:
    counted: Counter[str] = Counter()
    for place, line in enumerate(lines, 2):
        name, *fields = line.split(delimiters.field)
        if not _NAME.fullmatch(name):
            raise RefusedMessageError("message", Cause.UNREADABLE, f"segment {place} has no name of three characters")
        if name == "MSH":
            raise RefusedMessageError("MSH[2]", Cause.UNREADABLE, "a second message in one block; one block each")
        counted[name] += 1
        yield Segment(name, counted[name], (name, *fields), delimiters, codec)
