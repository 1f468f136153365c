"""A door that answers Success before anything is stored: the meter must find out. It exists in the harness only."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.bench.load import dimse
from tests.bench.load.dimse import pdu
from tests.bench.load.store_scu import CONTEXTS, EXPLICIT_LITTLE, StoreScu


@dataclass
class LyingDoor:
    """Stands between the modalities and the real door; hands on what it has when an association ends.

    Every ``forgets``-th object is only in its memory when it dies, as with a listener that acknowledges first.
    """

    target_port: int
    port: int = 0
    forgets: int = 7
    forgotten: int = 0
    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, server: socket.socket) -> None:
        """Take connections until the socket is closed."""
        while True:
            try:
                wire, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(wire,), daemon=True).start()

    def _talk(self, wire: socket.socket) -> None:
        taken: list[tuple[str, bytes]] = []
        with wire, suppress(OSError):
            self._receive(wire, taken)
        for _ in range(20):
            with suppress(OSError), StoreScu(self.target_port) as honest:
                while taken:
                    honest.store(*taken[0])
                    taken.pop(0)
                honest.release()
                return

    def _receive(self, wire: socket.socket, taken: list[tuple[str, bytes]]) -> None:
        command, data = b"", b""
        while True:
            kind, _, length = struct.unpack(">BBI", _exactly(wire, 6))
            content = _exactly(wire, length)
            if kind == 1:
                wire.sendall(_accept(content))
            elif kind == dimse.RELEASE_RQ:
                return wire.sendall(dimse.RELEASED)
            elif kind != dimse.P_DATA:
                return None
            at = 0
            while kind == dimse.P_DATA and at < len(content):
                size, context, flags = struct.unpack_from(">IBB", content, at)
                part = content[at + 6 : at + 4 + size]
                at += 4 + size
                if flags & dimse.COMMAND:
                    command += part
                    continue
                data += part
                if flags & dimse.LAST:
                    self._take(command, data, taken)
                    wire.sendall(_success(context, command))
                    command = data = b""

    def _take(self, command: bytes, data: bytes, taken: list[tuple[str, bytes]]) -> None:
        with self._lock:
            self._count += 1
            if self._count % self.forgets == 0:
                self.forgotten += 1
                return
        taken.append((_element(command, 0x1000).rstrip(b"\0").decode(), data))


@contextmanager
def start_lying_door(target_port: int) -> Iterator[LyingDoor]:
    """Run one on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        door = LyingDoor(target_port, server.getsockname()[1])
        threading.Thread(target=door.serve, args=(server,), daemon=True).start()
        yield door
        server.shutdown(socket.SHUT_RDWR)


def _accept(request: bytes) -> bytes:
    accepted = b"".join(
        dimse.item(0x21, bytes([one.number, 0, 0, 0]) + dimse.item(0x40, EXPLICIT_LITTLE.encode())) for one in CONTEXTS
    )
    user = dimse.item(0x51, struct.pack(">I", 131072)) + dimse.item(0x52, dimse.IMPLEMENTATION)
    return pdu(2, request[:68] + dimse.item(0x10, dimse.APPLICATION_CONTEXT) + accepted + dimse.item(0x50, user))


def _success(context: int, command: bytes) -> bytes:
    message = struct.unpack("<H", _element(command, 0x0110))[0]
    elements = ((0x0100, 0x8001), (0x0120, message), (0x0800, 0x0101), (0x0900, 0))
    answer = dimse.command_set(*(struct.pack("<HHIH", 0, tag, 2, value) for tag, value in elements))
    return next(dimse.p_data(context, answer, command=True))


def _element(command: bytes, wanted: int) -> bytes:
    at = 0
    while at + 8 <= len(command):
        _, element, length = struct.unpack_from("<HHI", command, at)
        if element == wanted:
            return command[at + 8 : at + 8 + length]
        at += 8 + length
    return b""


def _exactly(wire: socket.socket, count: int) -> bytes:
    content = b""
    while len(content) < count:
        part = wire.recv(count - len(content))
        if not part:
            raise ConnectionError("closed")
        content += part
    return content
