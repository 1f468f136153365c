"""Messages that come in parts: DSC at the end of one, its pointer in MSH-14 of the next (HL7 v2.5.1 2.10.2.2)."""

from __future__ import annotations

import threading

from shared.domain.refusals import Cause
from shared.hl7.reading.header import Header
from shared.hl7.refusal import RefusedMessageError

_MOST = 8
"""Messages of one connection that may be unfinished at once."""


class Room:
    """How many bytes all connections together may hold of unfinished messages; thread-safe."""

    def __init__(self, most: int = 32_000_000) -> None:
        self._most, self._held, self._turn = most, 0, threading.Lock()

    def take(self, size: int) -> bool:
        """Take so many bytes; tell whether they were free."""
        with self._turn:
            if self._held + size > self._most:
                return False
            self._held += size
            return True

    def give_back(self, size: int) -> None:
        """Free so many bytes; with a negative size hold more, however many are free."""
        with self._turn:
            self._held -= size


class Parts:
    """The unfinished messages of one connection; lost with it, and then the answer to the last part says so."""

    def __init__(self, max_bytes: int, room: Room | None = None) -> None:
        self._max, self._room = max_bytes, room or Room()
        self._waiting: dict[str, bytes] = {}

    @property
    def unfinished(self) -> int:
        """Return of how many messages the rest is awaited."""
        return len(self._waiting)

    def copy(self) -> Parts:
        """Return the same as it is now, to ``return_to``; it takes no room of its own."""
        again = Parts(self._max, self._room)
        again._waiting = dict(self._waiting)
        return again

    def return_to(self, before: Parts) -> None:
        """Hold what a copy holds, and nothing else."""
        self._room.give_back(self._size - before._size)
        self._waiting = dict(before._waiting)

    def forget(self) -> None:
        """Hold nothing: the connection has ended."""
        self.return_to(Parts(self._max, self._room))

    @property
    def _size(self) -> int:
        return sum(map(len, self._waiting.values()))

    def whole(self, content: bytes, header: Header) -> bytes | None:
        """Return the message that is complete with this part; None: its rest is awaited.

        Raises:
            RefusedMessageError: If its first part is not here, or too much is unfinished.
        """
        content = content.replace(b"\r\n", b"\r").replace(b"\n", b"\r").strip(b"\r")
        pointer = header.cell(14).written.strip()
        if pointer:
            content = self._continued(pointer, content)
        before, next_pointer = _taken_apart(content, header)
        if not next_pointer:
            return content
        if len(self._waiting) >= _MOST or len(content) > self._max:
            raise RefusedMessageError("DSC-1", Cause.TOO_LARGE, "too many, or too large, continued messages at once")
        if next_pointer not in self._waiting and not self._room.take(len(before)):
            raise RefusedMessageError(
                "DSC-1", Cause.OVERLOADED,
                "the connections of this door together hold as many unfinished messages as they may; send it again "
                "later, from its first part",
            )  # fmt: skip
        if self._waiting.setdefault(next_pointer, before) != before:
            self._room.give_back(len(self._waiting.pop(next_pointer)))
            raise RefusedMessageError(
                "DSC-1", Cause.INVALID_VALUE,
                "another unfinished message of this connection has the same pointer: which of them goes on cannot be "
                "told; send both again",
            )  # fmt: skip
        return None

    def _continued(self, pointer: str, content: bytes) -> bytes:
        first = self._waiting.pop(pointer, None)
        if first is None:
            raise RefusedMessageError(
                "MSH-14", Cause.NO_SUCH_OBJECT,
                "continues a message whose first part did not come by this connection: send it again from there",
            )  # fmt: skip
        self._room.give_back(len(first))
        return first + b"\r" + content.partition(b"\r")[2]


def _taken_apart(content: bytes, header: Header) -> tuple[bytes, str]:
    """Return a part without its DSC, and the pointer of that; empty where it is the last part."""
    before, _, last = content.rpartition(b"\r")
    mark = header.delimiters.field
    if not last.startswith(b"DSC"):
        return content, ""
    fields = last.decode("latin-1").split(mark)
    return before, fields[1].strip() if len(fields) > 1 else ""
