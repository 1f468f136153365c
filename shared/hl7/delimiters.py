"""The five characters that structure a message, and how text that holds them is written (HL7 v2.5.1 2.5.4, 2.7)."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from dataclasses import dataclass

from shared.domain.refusals import Cause
from shared.hl7.refusal import RefusedMessageError

_COUNT = 5
_USABLE = frozenset(string.punctuation)
_BREAKS = frozenset({".br", ".sp", ".ce", ".fi", ".nf"})
"""Formatting commands of FT (2.7.6) that end a line, or are as good as that to a reader of text."""
_NUMBERED = re.compile(r"\.(sp|in|ti|sk)[+-]?\d{0,3}")
_HEX = re.compile(r"X(?:[0-9A-Fa-f]{2}){1,64}")
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Delimiters:
    """MSH-1 and the four characters of MSH-2."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"

    @classmethod
    def of(cls, segment: str) -> Delimiters:
        """Return the delimiters an MSH states.

        Raises:
            RefusedMessageError: If they are not five different punctuation marks.
        """
        marks = segment[3 : 3 + _COUNT]
        if not segment.startswith("MSH") or len(set(marks)) != _COUNT or not _USABLE.issuperset(marks):
            raise RefusedMessageError(
                "MSH", Cause.UNREADABLE, "a message begins with MSH and five different separators, as in MSH|^~\\&"
            )
        if segment[8:9] not in ("", marks[0]):
            raise RefusedMessageError("MSH-2", Cause.UNREADABLE, "more than four encoding characters")
        return cls(*marks)

    @property
    def splitting(self) -> tuple[tuple[str, str, str], ...]:
        """Return character, name and escape sequence of what may not stand in plain text."""
        rows = ((self.component, "component", "S"), (self.repetition, "repetition", "R"))
        return tuple((mark, name, self._sequence(code)) for mark, name, code in (*rows, self._sub))

    @property
    def _sub(self) -> tuple[str, str, str]:
        return (self.subcomponent, "sub-component", "T")

    def _sequence(self, code: str) -> str:
        return f"{self.escape}{code}{self.escape}"

    def escaped(self, text: str) -> str:
        """Return plain text as it is written in a message; line ends become ``.br``, other control characters go."""
        marks = {self.field: "F", self.component: "S", self.repetition: "R", self.escape: "E", self.subcomponent: "T"}
        table = {mark: self._sequence(code) for mark, code in marks.items()} | {"\n": self._sequence(".br")}
        return "".join(table.get(one, one) for one in text if one == "\n" or one.isprintable())

    def plain(self, written: str, element: str, decode: Callable[[bytes], str]) -> str:
        r"""Return the text that was written, escape sequences resolved; ``decode`` reads the bytes of ``\X..\``.

        Raises:
            RefusedMessageError: If an escape sequence is unknown or does not end.
        """
        if self.escape not in written:
            return written
        parts = written.split(self.escape)
        if len(parts) % 2 == 0:
            raise RefusedMessageError(
                element, Cause.UNREADABLE, f"an escape sequence does not end; a single {self.escape} is written "
                f"{self._sequence('E')}",
            )  # fmt: skip
        return "".join(self._resolved(part, element, decode) if place % 2 else part for place, part in enumerate(parts))

    def _resolved(self, code: str, element: str, decode: Callable[[bytes], str]) -> str:
        named = {"F": self.field, "S": self.component, "R": self.repetition, "E": self.escape, "T": self.subcomponent}
        if code in named:
            return named[code]
        if code in ("H", "N"):  # highlighting begins and ends
            return ""
        if code in _BREAKS or _NUMBERED.fullmatch(code):
            return "\n"
        if _HEX.fullmatch(code):
            return _text(decode(bytes.fromhex(code[1:])), element)
        raise RefusedMessageError(
            element, Cause.UNREADABLE,
            f"an escape sequence that is not known here (known: F S T R E H N X.. and formatting between two "
            f"{self.escape})",
        )  # fmt: skip


def _text(found: str, element: str) -> str:
    if _NOT_TEXT.search(found.replace("\r", "\n")):
        raise RefusedMessageError(element, Cause.UNREADABLE, "an escape sequence names characters that are not text")
    return found
