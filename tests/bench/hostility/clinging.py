"""Peers that do not let go: floods of rejected callers, and second requests that dawdle on a connection kept alive."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

from tests.bench.hostility.attack import Answer, Attack, Doors, Ending
from tests.bench.load import dimse
from tests.bench.load.store_scu import CONTEXTS

FLOOD = 40
"""Callers at once, none of whom closes."""
_BODY = b'{"resourceType":"Basic","id":"hostile-again"}'
_DRIBBLE_S = 0.2


def make(chance: random.Random, number: int) -> Attack:
    """Return the attack of a number."""
    kinds: dict[str, Callable[[Doors], Answer]] = {
        "flood_of_rejected": flood_of_rejected,
        "slow_second_head": lambda doors: _second(doors, _request(doors), len(_request(doors)) - 1),
        "slow_second_body": lambda doors: _second(doors, _request(doors) + _BODY, len(_request(doors)) + 5),
        "second_that_never_comes": lambda doors: _second(doors, b"", 0),
    }
    kind = list(kinds)[number % len(kinds)]
    return Attack("clinging", kind, kinds[kind])


def flood_of_rejected(doors: Doors) -> Answer:
    """Ask ``FLOOD`` times as nobody knows and never close: every one must be told no, and be closed by the door.

    PS3.8 9.2: after A-ASSOCIATE-RJ the door waits for the caller to close, and for ARTIM at the longest.
    """
    request = dimse.associate_request("ONCORELAY", "NOBODY", CONTEXTS)
    with ExitStack() as stack:
        wires = [stack.enter_context(_connection(doors.dicom_port, doors)) for _ in range(FLOOD)]
        try:
            for wire in wires:
                wire.sendall(request)
            heard = [_to_the_end(wire) for wire in wires]
        except TimeoutError:
            return Answer(Ending.SILENT, "a rejected caller kept its place")
        except ConnectionError:
            return Answer(Ending.CLOSED, "reset")
    if not all(one[:1] == bytes([dimse.ASSOCIATE_RJ]) for one in heard):
        return Answer(Ending.CLOSED, "some were closed without a rejection")
    return Answer(Ending.REFUSED, "rejected")


def _second(doors: Doors, request: bytes, quickly: int) -> Answer:
    """Ask once as one should, then again: ``quickly`` bytes at once and the rest byte by byte, until somebody gives up.

    A connection closed between two requests owes nobody an answer (RFC 9112 9.8).
    """
    with _connection(doors.http_port, doors) as wire:
        try:
            wire.sendall(_request(doors) + _BODY)
            if not (first := wire.recv(65536)).startswith(b"HTTP/1.1 2"):
                return Answer(Ending.SILENT, f"the first request was not taken: {first[:12]!r}")
            wire.sendall(request[:quickly])
            heard = _after(wire, doors, request)
        except ConnectionError:
            return Answer(Ending.CLOSED, "reset")
    if heard is None:
        return Answer(Ending.SILENT, "the connection was kept")
    words = heard.split(b" ", 2)
    return Answer(Ending.REFUSED, words[1].decode()) if heard.startswith(b"HTTP/") else Answer(Ending.CLOSED)


def _after(wire: socket.socket, doors: Doors, request: bytes) -> bytes | None:
    """Dribble spaces until the door answers or closes; None: it did neither in ``patience_s``."""
    end = time.monotonic() + doors.patience_s
    wire.settimeout(_DRIBBLE_S)
    while time.monotonic() < end:
        with suppress(TimeoutError):
            return wire.recv(65536)
        if request:
            wire.sendall(b" ")
    return None


def _to_the_end(wire: socket.socket) -> bytes:
    heard = b""
    while more := wire.recv(4096):
        heard += more
    return heard


def _connection(port: int, doors: Doors) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=doors.patience_s)


def _request(doors: Doors) -> bytes:
    lines = (
        "POST /fhir/Basic HTTP/1.1", "Host: x", f"Authorization: Bearer {doors.token}", "Connection: keep-alive",
        "Content-Type: application/fhir+json", f"Content-Length: {len(_BODY)}", "", "",
    )  # fmt: skip
    return "\r\n".join(lines).encode()
