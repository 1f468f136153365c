"""The bytes of a C-STORE client: association request, command sets, P-DATA. Nothing is checked: a test may lie.

PS3.8 9.3 (PDUs), PS3.7 9.3.1 and 6.3.1 (C-STORE command set, implicit little endian).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

APPLICATION_CONTEXT = b"1.2.840.10008.3.1.1.1"
IMPLEMENTATION = b"1.2.826.0.1.3680043.10.1490.9.9"
ASSOCIATE_AC, ASSOCIATE_RJ, P_DATA, RELEASE_RQ, RELEASE_RP, ABORT = 2, 3, 4, 5, 6, 7
RELEASE = b"\x05\x00" + struct.pack(">I", 4) + bytes(4)
RELEASED = b"\x06\x00" + struct.pack(">I", 4) + bytes(4)
ABORTED = b"\x07\x00" + struct.pack(">I", 4) + bytes(4)
COMMAND, LAST = 1, 2
"""Bits of the message control header (PS3.8 E.2)."""


@dataclass(frozen=True, slots=True)
class Context:
    """One proposed presentation context."""

    number: int
    abstract: str
    transfer: tuple[str, ...]


def pdu(kind: int, content: bytes, length: int | None = None) -> bytes:
    """Return a PDU; ``length`` may be a lie."""
    return struct.pack(">BBI", kind, 0, len(content) if length is None else length) + content


def item(kind: int, content: bytes, length: int | None = None) -> bytes:
    """Return an item of an association PDU."""
    return struct.pack(">BBH", kind, 0, len(content) if length is None else length) + content


def associate_request(called: str, calling: str, contexts: Sequence[Context], max_pdu: int = 131072) -> bytes:
    """Return an A-ASSOCIATE-RQ."""
    titles = called.ljust(16).encode("ascii", "replace")[:16] + calling.ljust(16).encode("ascii", "replace")[:16]
    proposed = b"".join(
        item(0x20, bytes([one.number, 0, 0, 0]) + item(0x30, one.abstract.encode()) + b"".join(
            item(0x40, syntax.encode()) for syntax in one.transfer))
        for one in contexts
    )  # fmt: skip
    user = item(0x51, struct.pack(">I", max_pdu)) + item(0x52, IMPLEMENTATION)
    fixed = struct.pack(">HH", 1, 0) + titles + bytes(32)
    return pdu(1, fixed + item(0x10, APPLICATION_CONTEXT) + proposed + item(0x50, user))


def accepted_contexts(content: bytes) -> frozenset[int]:
    """Return the presentation contexts that the content of an A-ASSOCIATE-AC accepts (PS3.8 9.3.3.2)."""
    accepted, at = set(), 68
    while at + 4 <= len(content):
        kind, _, length = struct.unpack_from(">BBH", content, at)
        if kind == 0x21 and content[at + 6] == 0:
            accepted.add(content[at + 4])
        at += 4 + length
    return frozenset(accepted)


def store_command(sop_class: str, sop_instance: str, message: int) -> bytes:
    """Return the command set of a C-STORE-RQ."""
    elements = (
        _text(0x0002, sop_class), _short(0x0100, 0x0001), _short(0x0110, message), _short(0x0700, 0),
        _short(0x0800, 0x0000), _text(0x1000, sop_instance),
    )  # fmt: skip
    return command_set(*elements)


def echo_command(message: int) -> bytes:
    """Return the command set of a C-ECHO-RQ."""
    return command_set(
        _text(0x0002, "1.2.840.10008.1.1"), _short(0x0100, 0x0030), _short(0x0110, message), _short(0x0800, 0x0101)
    )


def command_set(*elements: bytes) -> bytes:
    """Return elements behind their group length (0000,0000)."""
    content = b"".join(elements)
    return struct.pack("<HHII", 0, 0, 4, len(content)) + content


def p_data(context: int, content: bytes, *, command: bool, limit: int = 131072) -> Iterator[bytes]:
    """Yield the P-DATA-TF PDUs of one command set or data set, each at most ``limit`` bytes."""
    step = max(1, limit - 6)
    for start in range(0, max(1, len(content)), step):
        part = content[start : start + step]
        flags = (COMMAND if command else 0) | (LAST if start + step >= len(content) else 0)
        yield pdu(P_DATA, struct.pack(">IBB", len(part) + 2, context, flags) + part)


def status_of(command: bytes) -> int:
    """Return Status (0000,0900) of a response's command set; -1 where it has none."""
    at = 0
    while at + 8 <= len(command):
        group, element, length = struct.unpack_from("<HHI", command, at)
        if (group, element) == (0, 0x0900):
            return int(struct.unpack_from("<H", command, at + 8)[0])
        at += 8 + length
    return -1


def _text(element: int, value: str) -> bytes:
    content = value.encode("latin-1", "replace")
    content += b"\0" * (len(content) % 2)
    return struct.pack("<HHI", 0, element, len(content)) + content


def _short(element: int, value: int) -> bytes:
    return struct.pack("<HHIH", 0, element, 2, value)
