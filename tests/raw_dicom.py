"""A DICOM peer that says exactly what a test tells it to say, byte by byte."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from struct import pack, unpack
from types import TracebackType

from pydicom.uid import MRImageStorage

EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"
VERIFICATION = "1.2.840.10008.1.1"
CONTEXTS = {1: str(MRImageStorage), 3: VERIFICATION}
APPLICATION = "1.2.840.10008.3.1.1.1"


def item(kind: int, content: bytes) -> bytes:
    return pack(">BBH", kind, 0, len(content)) + content


def pdu(kind: int, content: bytes, length: int | None = None) -> bytes:
    return pack(">BBI", kind, 0, len(content) if length is None else length) + content


def associate_rq(
    *,
    called: bytes = b"ONCORELAY",
    calling: bytes = b"PACS",
    contexts: dict[int, str] | None = None,
    version: int = 1,
    application: str = APPLICATION,
    user: bytes = item(0x51, pack(">I", 16384)),
    more: bytes = b"",
) -> bytes:
    proposed = b"".join(
        item(0x20, pack(">BBBB", number, 0, 0, 0) + item(0x30, abstract.encode()) + item(0x40, EXPLICIT.encode()))
        for number, abstract in (CONTEXTS if contexts is None else contexts).items()
    )
    fixed = pack(">HH", version, 0) + called.ljust(16) + calling.ljust(16) + bytes(32)
    return pdu(1, fixed + item(0x10, application.encode()) + proposed + item(0x50, user) + more)


def value(context_id: int, control: int, content: bytes) -> bytes:
    """Return a presentation data value; control: 1 command, 2 last fragment."""
    return pack(">IBB", len(content) + 2, context_id, control) + content


def data(*values: bytes) -> bytes:
    return pdu(4, b"".join(values))


def element(number: int, content: bytes) -> bytes:
    return pack("<HHI", 0, number, len(content)) + content


def c_store_rq(instance: str, message_id: int = 1, *, data_set: int = 1, field: int = 1) -> bytes:
    uid = instance.encode() + b"\0" * (len(instance) % 2)
    sop_class = str(MRImageStorage).encode()
    content = b"".join(
        (
            element(0x0002, sop_class + b"\0" * (len(sop_class) % 2)),
            element(0x0100, pack("<H", field)),
            element(0x0110, pack("<H", message_id)),
            element(0x0700, pack("<H", 0)),
            element(0x0800, pack("<H", data_set)),
            element(0x1000, uid),
        )
    )
    return element(0, pack("<I", len(content))) + content


def c_echo_rq(message_id: int = 1) -> bytes:
    content = b"".join(
        (
            element(0x0002, VERIFICATION.encode() + b"\0"),
            element(0x0100, pack("<H", 0x0030)),
            element(0x0110, pack("<H", message_id)),
            element(0x0800, pack("<H", 0x0101)),
        )
    )
    return element(0, pack("<I", len(content))) + content


def explicit(tag: int, vr: bytes, content: bytes) -> bytes:
    return pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(content)) + content


def small_object(instance: str, more: bytes = b"") -> bytes:
    """Return a data set that has little but its two UIDs."""
    sop_class, uid = str(MRImageStorage).encode(), instance.encode()
    return (
        explicit(0x00080016, b"UI", sop_class + b"\0" * (len(sop_class) % 2))
        + explicit(0x00080018, b"UI", uid + b"\0" * (len(uid) % 2))
        + more
    )


RELEASE_RQ = pdu(5, bytes(4))
ABORT = pdu(7, bytes(4))


@dataclass
class Peer:
    """One connection; ``with`` closes it."""

    port: int
    timeout_s: float = 10.0

    def __enter__(self) -> Peer:
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=self.timeout_s)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def say(self, *parts: bytes) -> None:
        self.socket.sendall(b"".join(parts))

    def hear(self) -> tuple[int, bytes]:
        """Return type and content of the next PDU; (0, b"") when the connection was closed."""
        head = self._exactly(6)
        if len(head) < 6:
            return 0, b""
        kind, length = unpack(">BxI", head)
        return kind, self._exactly(length)

    def associate(self) -> None:
        self.say(associate_rq())
        assert self.hear()[0] == 2

    def status(self) -> int:
        """Return the status of the next response."""
        kind, content = self.hear()
        assert kind == 4, f"PDU of type {kind} ({content!r})"
        place = content.index(pack("<HHI", 0, 0x0900, 2))
        return int(unpack("<H", content[place + 8 : place + 10])[0])

    def is_closed(self) -> bool:
        return self.hear() == (0, b"")

    def _exactly(self, count: int) -> bytes:
        content = b""
        while len(content) < count:
            try:
                more = self.socket.recv(count - len(content))
            except ConnectionResetError:
                break
            if not more:
                break
            content += more
        return content
