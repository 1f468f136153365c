"""The laboratory system of the demonstration: takes HL7 v2 by MLLP, answers AA, keeps every message as a file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

from shared.hl7.mllp import Block, Frames, framed
from shared.hl7.reading.header import Header
from shared.hl7.writing import acknowledgment

_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Lis:
    """Where it listens, and where what it heard lies."""

    port: int
    folder: Path

    @property
    def sink(self) -> dict[str, Any]:
        """Return the ``[[sinks]]`` table that reaches it."""
        return {"name": "lis", "kind": "hl7-mllp", "port": self.port, "receiving_application": "LIS"}

    def message(self, location: str) -> Path:
        """Return the file of the message a delivery went as."""
        return self.folder / f"{location.rsplit('/', 1)[-1]}.hl7"

    def keep(self, content: bytes) -> bytes:
        """Keep a message under its own control id (MSH-10); return the answer."""
        header = Header.of(content)
        self.message(header.control_id).write_bytes(content)
        return acknowledgment.write(acknowledgment.Acknowledgment("AA"), header, datetime.now(UTC), header.control_id)


@contextmanager
def start_lis(folder: Path) -> Iterator[Lis]:
    """Run it on a free port of 127.0.0.1 until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadingTCPServer(("127.0.0.1", 0), BaseRequestHandler, bind_and_activate=True) as server:
        lis = Lis(server.server_address[1], folder)
        server.daemon_threads = True
        server.RequestHandlerClass = _conversation(lis)
        thread = threading.Thread(target=server.serve_forever, name="lis", daemon=True)
        thread.start()
        try:
            yield lis
        finally:
            server.shutdown()
            thread.join()


def _conversation(lis: Lis) -> type[BaseRequestHandler]:
    class Conversation(BaseRequestHandler):
        """One connection."""

        def handle(self) -> None:
            """Answer every block until the sender goes."""
            frames = Frames(_MOST_BYTES)
            while received := self.request.recv(1 << 16):
                for event in frames.feed(received):
                    if isinstance(event, Block):
                        self.request.sendall(framed(lis.keep(event.content)))

    return Conversation
