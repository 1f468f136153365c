"""A door that answers Success at once and stores a moment later: what the meter must find out. In the harness only.

It forgets nothing by itself. What it still holds is gone when the listener behind it dies or refuses it, as with any
listener that acknowledges first: without faults nothing is lost.
"""

from __future__ import annotations

import queue
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.bench.load import dimse
from tests.bench.load.dimse import pdu
from tests.bench.load.store_scu import CONTEXTS, EXPLICIT_LITTLE, StoreScu

_GRACE_S = 30.0
"""Longest wait at the end for what is still on its way."""
_Held = tuple[float, str, bytes]
"""When it is due (monotonic seconds), SOP Instance UID, data set."""


@dataclass
class EarlyDoor:
    """Stands between the modalities and the real door; every association of theirs is one of its own behind."""

    target_port: int
    hold_s: float
    port: int = 0
    dropped: int = 0
    """Acknowledged objects that the listener behind never answered Success to."""
    _talks: list[threading.Thread] = field(default_factory=list)

    def serve(self, server: socket.socket) -> None:
        """Take connections until the socket is closed."""
        while True:
            try:
                wire, _ = server.accept()
            except OSError:
                return
            talk = threading.Thread(target=self._talk, args=(wire,), daemon=True)
            self._talks.append(talk)
            talk.start()

    def finish(self) -> None:
        """Wait until everything held was handed on, or dropped."""
        end = time.monotonic() + _GRACE_S
        for talk in self._talks:
            talk.join(max(0.0, end - time.monotonic()))

    def _talk(self, wire: socket.socket) -> None:
        """A dead listener takes no association: ours lives and dies with the one behind."""
        with wire, suppress(OSError), StoreScu(self.target_port) as behind:
            held: queue.SimpleQueue[_Held | None] = queue.SimpleQueue()
            hands_on = threading.Thread(target=self._hand_on, args=(held, behind, wire), daemon=True)
            hands_on.start()
            with suppress(OSError):
                self._receive(wire, held)
            held.put(None)
            hands_on.join()

    def _hand_on(self, held: queue.SimpleQueue[_Held | None], behind: StoreScu, wire: socket.socket) -> None:
        alive = True
        while (row := held.get()) is not None:
            due, uid, content = row
            time.sleep(max(0.0, due - time.monotonic()))
            if not (alive and _stored(behind, uid, content)):
                self.dropped += 1
                alive = False
                with suppress(OSError):
                    wire.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            behind.release()

    def _receive(self, wire: socket.socket, held: queue.SimpleQueue[_Held | None]) -> None:
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
                    uid = _element(command, 0x1000).rstrip(b"\0").decode()
                    held.put((time.monotonic() + self.hold_s, uid, data))
                    wire.sendall(_success(context, command))
                    command = data = b""


@contextmanager
def start_early_door(target_port: int, hold_s: float) -> Iterator[EarlyDoor]:
    """Run one on a free port; at the end everything it holds was handed on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        door = EarlyDoor(target_port, hold_s, server.getsockname()[1])
        threading.Thread(target=door.serve, args=(server,), daemon=True).start()
        yield door
        server.shutdown(socket.SHUT_RDWR)
        door.finish()


def _stored(behind: StoreScu, uid: str, content: bytes) -> bool:
    try:
        return behind.store(uid, content) == 0
    except OSError:
        return False


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
