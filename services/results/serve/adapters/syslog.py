"""Anchors to a syslog server: RFC 5424 over UDP (RFC 5426) or TCP with octet counting (RFC 6587 section 3.4.1)."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from shared.domain.audit import Anchor
from shared.domain.errors import InvalidInputError, UnavailableError

_PRIORITY = 13 * 8 + 5  # facility 13 "log audit", severity 5 "notice": RFC 5424 section 6.2.1
_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Syslog:
    """One server."""

    host: str
    port: int
    stream: bool

    @classmethod
    def at(cls, address: str) -> Syslog:
        """Return the server of ``host:port`` or ``tcp://host:port``.

        Raises:
            InvalidInputError: If the address is none.
        """
        stream = address.startswith("tcp://")
        host, _, port = address.removeprefix("tcp://").removeprefix("udp://").rpartition(":")
        bare = host.removeprefix("[").removesuffix("]")
        if not bare or not port.isdigit() or (":" in bare and bare == host):
            raise InvalidInputError("audit_syslog", "write host:port, or tcp://host:port; an IPv6 host in brackets")
        return cls(bare, int(port), stream)

    def write(self, anchor: Anchor) -> None:
        """Send one anchor.

        Raises:
            UnavailableError: If the server cannot be reached.
        """
        message = _message(anchor)
        kind = socket.SOCK_STREAM if self.stream else socket.SOCK_DGRAM
        try:
            found = socket.getaddrinfo(self.host, self.port, type=kind)  # IPv4 or IPv6, whichever the name has
            with socket.socket(found[0][0], kind) as connection:
                connection.settimeout(_TIMEOUT_S)
                connection.connect(found[0][4])
                connection.sendall(b"%d %s" % (len(message), message) if self.stream else message)
        except OSError as error:
            raise UnavailableError(f"the syslog server at {self.host}:{self.port} cannot be reached") from error


def _message(anchor: Anchor) -> bytes:
    """Return HEADER SP STRUCTURED-DATA SP MSG; 32473 is the number for documentation (RFC 5612)."""
    head = f"<{_PRIORITY}>1 {anchor.time.isoformat()} {socket.gethostname()} oncorelay {os.getpid()} anchor"
    structured = f'[anchor@32473 number="{anchor.number}" hash="{anchor.hash}"]'
    return f"{head} {structured} audit chain at row {anchor.number}".encode()
