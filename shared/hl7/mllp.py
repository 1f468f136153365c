"""MLLP blocks in a stream of bytes: VT, message, FS, CR (HL7 v2.5.1 appendix C.4). Bounded; no I/O.

VT and FS cannot stand in a message, so both are believed wherever they are: a VT inside a block means that its sender
began anew, and a block ends with FS, whether CR follows (as it must) or not.
"""

from __future__ import annotations

from dataclasses import dataclass

START, END = b"\x0b", b"\x1c"
_BETWEEN = b"\r\n"
HEAD_BYTES = 4096
"""Of a block that is too large so much is kept: enough to answer its sender by MSH-10."""


@dataclass(frozen=True, slots=True)
class Block:
    """One message as it came."""

    content: bytes


@dataclass(frozen=True, slots=True)
class TooLarge:
    """A block beyond the limit; the rest of it is passed over."""

    head: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """A block that its sender began, and began anew: nobody waits for an answer to it."""


Event = Block | TooLarge | Cut


def framed(content: bytes) -> bytes:
    """Return a message as a block."""
    return START + content + END + b"\r"


class Frames:
    """What one sender's stream holds; not thread-safe."""

    def __init__(self, max_bytes: int) -> None:
        self._max = max_bytes
        self._pending = bytearray()
        self._inside = False
        self._passing_over = False
        self.stray = 0
        """Bytes outside of any block so far; line ends do not count."""

    @property
    def begun(self) -> bool:
        """Tell whether a block has begun and not ended."""
        return self._inside

    @property
    def head(self) -> bytes:
        """Return the beginning of the block that has not ended."""
        return bytes(self._pending[:HEAD_BYTES])

    def feed(self, received: bytes) -> list[Event]:
        """Take bytes in; return what is complete, in order."""
        events: list[Event] = []
        while received:
            received = self._in_block(received, events) if self._inside else self._between(received)
        return events

    def _between(self, received: bytes) -> bytes:
        before, found, rest = received.partition(START)
        self.stray += len(before.translate(None, _BETWEEN))
        self._inside = bool(found)
        return rest

    def _in_block(self, received: bytes, events: list[Event]) -> bytes:
        ends = [place for place in (received.find(END), received.find(START)) if place >= 0]
        taken = min(ends, default=len(received))
        self._grow(received[:taken], events)
        if ends:
            self._ended(events, again=received[taken : taken + 1] == START)
        return received[taken + 1 :]

    def _grow(self, part: bytes, events: list[Event]) -> None:
        if self._passing_over:
            return
        self._pending += part
        if len(self._pending) > self._max:
            self._passing_over = True
            events.append(TooLarge(self.head))
            self._pending.clear()

    def _ended(self, events: list[Event], *, again: bool) -> None:
        content, passed_over = bytes(self._pending), self._passing_over
        self._pending.clear()
        self._inside, self._passing_over = again, False
        if not passed_over and not again:
            events.append(Block(content))
        elif content and again:  # VT VT is one beginning, written twice
            events.append(Cut())
