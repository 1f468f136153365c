"""Peers that do not let go: rejected and never closing, idle, slow on a connection that was kept alive."""

from __future__ import annotations

import socket
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

from tests.bench.load import dimse
from tests.bench.load.store_scu import CONTEXTS

MOST_HELD = 12
"""Connections held open at once; the oldest gives way."""
_BODY = b'{"resourceType":"Basic","id":"slow"}'
_DRIBBLE_S = 0.2


@dataclass
class Clinging:
    """Holds on to a bounded number of connections; any thread may add one."""

    _held: deque[socket.socket] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def rejected(self, port: int) -> None:
        """Ask as nobody knows, read the rejection, and do not close (PS3.8 9.2: the requestor closes)."""
        wire = socket.create_connection(("127.0.0.1", port), timeout=5)
        wire.sendall(dimse.associate_request("ONCORELAY", "NOBODY", CONTEXTS))
        with suppress(OSError):
            wire.recv(64)
        self._keep(wire)

    def idle(self, port: int) -> None:
        """Connect and say nothing."""
        self._keep(socket.create_connection(("127.0.0.1", port), timeout=5))

    def slow_second_request(self, port: int, token: str, stopped: threading.Event) -> None:
        """Ask once as one should; dribble the second request over the same connection, and leave it unfinished."""
        with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
            wire.sendall(_request(token) + _BODY)
            wire.recv(65536)
            for byte in _request(token)[:10]:
                wire.sendall(bytes([byte]))
                if stopped.wait(_DRIBBLE_S):
                    return

    def let_go(self) -> None:
        """Close everything."""
        with self._lock:
            while self._held:
                self._held.popleft().close()

    def _keep(self, wire: socket.socket) -> None:
        with self._lock:
            self._held.append(wire)
            if len(self._held) > MOST_HELD:
                self._held.popleft().close()


def _request(token: str) -> bytes:
    lines = (
        "POST /fhir/Basic HTTP/1.1", "Host: x", f"Authorization: Bearer {token}", "Connection: keep-alive",
        "Content-Type: application/fhir+json", f"Content-Length: {len(_BODY)}", "", "",
    )  # fmt: skip
    return "\r\n".join(lines).encode()
