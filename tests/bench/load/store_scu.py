"""A modality on a plain socket: cheap enough to send a hundred thousand objects beside the system under test."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from tests.bench.load import dimse
from tests.bench.load.dimse import Context

EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
VERIFICATION = "1.2.840.10008.1.1"
CONTEXTS = (Context(1, MR_IMAGE, (EXPLICIT_LITTLE,)), Context(3, VERIFICATION, (EXPLICIT_LITTLE,)))


class NotTakenError(OSError):
    """The other side said no (``spoken``: rejected, aborted), or is gone."""

    def __init__(self, reason: str, *, spoken: bool = False) -> None:
        super().__init__(reason)
        self.spoken = spoken


@dataclass
class StoreScu:
    """One association, used by one thread."""

    port: int
    called: str = "ONCORELAY"
    calling: str = "MODALITY"
    timeout_s: float = 20.0
    contexts: tuple[Context, ...] = CONTEXTS
    _wire: socket.socket | None = None
    _message: int = 0
    accepted: frozenset[int] = frozenset()
    """Presentation contexts that the other side accepted."""

    def __enter__(self) -> StoreScu:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Associate.

        Raises:
            OSError: If nobody listens, or the association is rejected.
        """
        self._wire = socket.create_connection(("127.0.0.1", self.port), timeout=self.timeout_s)
        self._wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._wire.sendall(dimse.associate_request(self.called, self.calling, self.contexts))
        kind, content = self.receive()
        if kind != dimse.ASSOCIATE_AC:
            raise NotTakenError(f"answered with PDU type {kind} ({content[:4].hex()})", spoken=True)
        self.accepted = dimse.accepted_contexts(content)

    def store(self, sop_instance: str, data_set: bytes, sop_class: str = MR_IMAGE, context: int = 1) -> int:
        """Return the status of one C-STORE.

        Raises:
            OSError: If the connection ends before the answer: nobody knows whether it is stored.
        """
        if context not in self.accepted:
            raise NotTakenError("the presentation context was not accepted", spoken=True)
        self._message = self._message % 65535 + 1
        command = dimse.store_command(sop_class, sop_instance, self._message)
        return self.exchange(context, command, data_set)

    def exchange(self, context: int, command: bytes, data_set: bytes | None = None) -> int:
        """Send a command (and a data set); return the status of the answer."""
        parts = list(dimse.p_data(context, command, command=True))
        if data_set is not None:
            parts += dimse.p_data(context, data_set, command=False)
        self.send(b"".join(parts))
        return self.answer()

    def answer(self) -> int:
        """Return the status of the next response."""
        collected = b""
        while True:
            kind, content = self.receive()
            if kind != dimse.P_DATA:
                raise NotTakenError(f"answered with PDU type {kind} ({content[:4].hex()})", spoken=True)
            at = 0
            while at < len(content):
                length, _, flags = struct.unpack_from(">IBB", content, at)
                collected += content[at + 6 : at + 4 + length]
                at += 4 + length
                if flags & dimse.LAST:
                    return dimse.status_of(collected)

    def release(self) -> None:
        """End the association in order."""
        self.send(dimse.RELEASE)
        self.receive()
        self.close()

    def abort(self) -> None:
        """End it by A-ABORT."""
        self.send(dimse.ABORTED)
        self.close()

    def send(self, content: bytes) -> None:
        """Send bytes as they are."""
        if self._wire is None:
            raise NotTakenError("not associated")
        self._wire.sendall(content)

    def receive(self) -> tuple[int, bytes]:
        """Return type and content of the next PDU."""
        kind, _, length = struct.unpack(">BBI", self._exactly(6))
        return kind, self._exactly(length)

    def close(self) -> None:
        """Close the connection."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def _exactly(self, count: int) -> bytes:
        if self._wire is None:
            raise NotTakenError("not associated")
        content = b""
        while len(content) < count:
            part = self._wire.recv(count - len(content))
            if not part:
                raise NotTakenError("the other side closed the connection")
            content += part
        return content
