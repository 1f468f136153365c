"""The header of a message: read by itself, so that whatever follows can be answered (HL7 v2.5.1 2.15.9)."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.refusals import Cause
from shared.hl7.delimiters import Delimiters
from shared.hl7.reading.cell import Cell
from shared.hl7.refusal import RefusedMessageError

VERSIONS = ("2.3", "2.3.1", "2.4", "2.5", "2.5.1")
"""MSH-12 that are read."""
_LONGEST = 4096
_LONGEST_CONTROL_ID = 199  # MSH-10 has 20 characters in v2.5.1 and 199 in later versions
_LINE_ENDS = "\r\n"


@dataclass(frozen=True, slots=True)
class Header:
    """MSH, as Latin-1: all character sets taken here write ASCII alike, and what is echoed comes back as it came."""

    fields: tuple[str, ...]
    """MSH-1 stands at 1."""
    delimiters: Delimiters

    @classmethod
    def of(cls, content: bytes) -> Header:
        """Read the first segment.

        Raises:
            RefusedMessageError: If it is no MSH.
        """
        text = content[:_LONGEST].decode("latin-1").lstrip(_LINE_ENDS)
        segment = text.replace("\n", "\r").partition("\r")[0]
        delimiters = Delimiters.of(segment)
        return cls(("MSH", *_numbered(segment, delimiters.field)), delimiters)

    def cell(self, number: int) -> Cell:
        """Return MSH-``number``."""
        written = self.fields[number] if len(self.fields) > number else ""
        return Cell(written, f"MSH-{number}", self.delimiters, "latin-1")

    @property
    def control_id(self) -> str:
        """Return MSH-10 as it was written."""
        return self.cell(10).written

    @property
    def kind(self) -> str:
        """Return message code and trigger event: ``ORU^R01``."""
        return f"{self.cell(9).component(1).written}^{self.cell(9).component(2).written}"

    @property
    def version(self) -> str:
        """Return MSH-12.1."""
        return self.cell(12).component(1).written.strip()

    def check(self, processing_id: str) -> None:
        """Check what every message must state.

        Raises:
            RefusedMessageError: If control id, version or processing id is missing or not taken here.
        """
        if not 0 < len(self.control_id.strip()) <= _LONGEST_CONTROL_ID:
            raise RefusedMessageError(
                "MSH-10", Cause.UNREADABLE, f"a message control id of 1 to {_LONGEST_CONTROL_ID} characters is needed"
            )
        if self.version not in VERSIONS:
            raise RefusedMessageError(
                "MSH-12", Cause.NOT_SUPPORTED, f"this version is not read here; {', '.join(VERSIONS)} are"
            )
        if self.cell(11).component(1).written.strip() != processing_id:
            raise RefusedMessageError(
                "MSH-11", Cause.NOT_SUPPORTED, f"only processing id {processing_id} is taken here (mllp_processing_id)"
            )


def _numbered(segment: str, mark: str) -> tuple[str, ...]:
    return (mark, *segment.split(mark)[1:])
