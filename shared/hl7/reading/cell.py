"""One place of a message: a field, a repetition, a component; resolved only when somebody asks for its text.

So a damaged field that nobody needs harms nobody, and one that is needed is refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.refusals import Cause
from shared.hl7.delimiters import Delimiters
from shared.hl7.refusal import RefusedMessageError

NULL = '""'
"""HL7 v2.5.1 2.5.3: the sender states that there is no value (any more)."""


@dataclass(frozen=True, slots=True)
class Cell:
    """``written`` is what stands there, delimiters and escapes included."""

    written: str
    element: str
    """``OBX[2]-5.1``."""
    delimiters: Delimiters
    codec: str = "ascii"

    @property
    def stated(self) -> bool:
        """Tell whether a value stands here; the explicit null is none."""
        return self.written.strip() not in ("", NULL)

    @property
    def repetitions(self) -> tuple[Cell, ...]:
        """Return the repetitions that state something."""
        parts = self.written.split(self.delimiters.repetition)
        return tuple(cell for part in parts if (cell := self._part(part, "")).stated)

    def component(self, number: int) -> Cell:
        """Return component ``number`` (from 1); empty where there is none."""
        return self._of(self.delimiters.component, number)

    def subcomponent(self, number: int) -> Cell:
        """Return sub-component ``number`` (from 1)."""
        return self._of(self.delimiters.subcomponent, number)

    def text(self) -> str:
        r"""Return the text, escapes resolved, without blanks around it; empty for the explicit null.

        Raises:
            RefusedMessageError: If it holds a delimiter: the text was written without escaping it (``H&E`` for
                ``H\T\E``), and where it was torn apart cannot be told.
        """
        if not self.stated:
            return ""
        for mark, name, sequence in self.delimiters.splitting:
            if mark in self.written:
                raise RefusedMessageError(
                    self.element, Cause.UNREADABLE,
                    f"holds the {name} separator {mark} unescaped; in text it is written {sequence}",
                )  # fmt: skip
        return self.delimiters.plain(self.written, self.element, self._decode).strip()

    def _decode(self, content: bytes) -> str:
        try:
            return content.decode(self.codec)
        except UnicodeDecodeError:
            raise RefusedMessageError(
                self.element, Cause.UNREADABLE, "an escape sequence names bytes that are not of the character set"
            ) from None

    def _of(self, mark: str, number: int) -> Cell:
        parts = self.written.split(mark, number)
        return self._part(parts[number - 1] if len(parts) >= number else "", f".{number}")

    def _part(self, written: str, place: str) -> Cell:
        return Cell(written, self.element + place, self.delimiters, self.codec)
