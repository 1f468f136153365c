"""Results a second by HL7 v2 over one connection, from the ORU^R01 to facts on disk.

The peer is python-hl7's own server and client: the same messages parsed and acknowledged, and nothing kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version

from shared.hl7.mllp import framed
from shared.testing.hl7_messages import header, message, obr, obx, pid
from shared.testing.ports import accepts_connections, free_port, wait_until
from tests.bench.labs.consumer import Consumer, start_consumer
from tests.bench.labs.options import Measured, Options
from tests.bench.rows import Row

PEER = f"python-hl7 {version('hl7')}, which stores nothing"
SHARE = 20
"""Of the observations of the other rows so many times fewer: a message is a transaction of its own."""
PANEL = 10


def measure(options: Options) -> Measured:
    """Send one after the other and all at once, of one result and of ten; then the same to the peer."""
    count = max(50, options.observations // SHARE)
    kinds = (
        ("mllp_per_s", _messages(1, count, 1), 1, 1),
        ("mllp_panels_per_s", _messages(2, count // PANEL, PANEL), PANEL, 1),
        ("mllp_burst_per_s", _messages(3, count, 1), 1, count),
    )
    with start_consumer(options.folder) as consumer:
        _converse(consumer.mllp, _messages(0, 20, 1), 1)  # warm up
        ours = [_kept_per_s(consumer, sent, each, ahead) for _, sent, each, ahead in kinds]
    port = free_port()
    peer = subprocess.Popen([sys.executable, "-m", "tests.bench.labs.mllp_per_s", str(port)])
    try:
        wait_until(lambda: accepts_connections(port), "python-hl7's server")
        theirs = [len(sent) * each / _converse(port, sent, ahead) for _, sent, each, ahead in kinds]
    finally:
        peer.terminate()
        peer.wait(20)
    rows = zip(kinds, ours, theirs, strict=True)
    return Measured(tuple(Row(kind[0], mine, peers, PEER, "observations/s") for kind, mine, peers in rows))


def _kept_per_s(consumer: Consumer, sent: Sequence[bytes], each: int, ahead: int) -> float:
    before = consumer.facts()
    seconds = _converse(consumer.mllp, sent, ahead)
    kept = consumer.facts() - before
    if kept != len(sent) * each:
        raise RuntimeError(f"{kept} facts of {len(sent) * each}")
    return kept / seconds


def _converse(port: int, sent: Sequence[bytes], ahead: int) -> float:
    """Send ``ahead`` messages at once and wait for their answers, and so on; return the seconds."""
    start = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=120) as wire:
        for first in range(0, len(sent), ahead):
            group = sent[first : first + ahead]
            wire.sendall(b"".join(map(framed, group)))
            _acknowledged(wire, len(group))
    return time.perf_counter() - start


def _acknowledged(wire: socket.socket, count: int) -> None:
    accepted = ended = 0
    heard = b""
    while ended < count:
        received = wire.recv(65536)
        if not received:
            raise RuntimeError("closed before the last answer")
        *whole, heard = (heard + received).split(b"\x1c\r")
        ended += len(whole)
        accepted += sum(b"MSA|AA|" in answer for answer in whole)
    if accepted != count:
        raise RuntimeError(f"{accepted} of {count} accepted")


def _messages(series: int, count: int, each: int) -> list[bytes]:
    return [_message(f"{series}-{number}", number, each) for number in range(count)]


def _message(name: str, number: int, each: int) -> bytes:
    """Return results of somebody new: ``each`` sub-identifiers of one test, as serial measurements are sent."""
    values = [
        obx(f"{1.5 + (number + row) % 60 / 10}", sub=str(row), number=row, limits="") for row in range(1, each + 1)
    ]
    return message(header(f"B{name}"), pid(f"BENCH-{name}"), obr(f"F-{name}^LAB"), *values)


async def _serve_peer(port: int) -> None:
    from hl7.mllp import HL7StreamReader, HL7StreamWriter, start_hl7_server

    async def serve(reader: HL7StreamReader, writer: HL7StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                read = await reader.readmessage()
                writer.writemessage(read.create_ack())
                await writer.drain()

    async with await start_hl7_server(serve, "127.0.0.1", port, encoding="utf-8") as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve_peer(int(sys.argv[1])))
