"""Blocking sockets with a limit on silence: plain TCP, and TLS."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from struct import pack
from typing import Protocol, TypeVar

from services.dicom_listener.adapters.tls import certificate_names
from services.dicom_listener.adapters.upper_layer.pdus import ConnectionGoneError

_T = TypeVar("_T")
_QUICK: int = getattr(socket, "TCP_QUICKACK", 0)


class SilenceError(Exception):
    """What had to come did not come in time."""


class Wire(Protocol):
    """A connection, used by one thread; only ``cut`` may come from another."""

    def patience(self, seconds: float) -> None:
        """Set the longest wait for each call below."""
        ...

    def fill(self, view: memoryview) -> None:
        """Read exactly as much as ``view`` holds.

        Raises:
            SilenceError: If that takes longer than the patience.
            ConnectionGoneError: If the peer went.
        """
        ...

    def some(self, view: memoryview) -> int:
        """Read at least one byte and return how many came; the errors of ``fill``."""
        ...

    def send(self, content: bytes) -> None:
        """Send all of it; the errors of ``fill``."""
        ...

    def farewell(self, longest_s: float) -> None:
        """Say that nothing more comes and wait until the peer has read it, at most so long."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...

    def cut(self) -> None:
        """Wake whoever waits in another call: it finds the peer gone."""
        ...

    def names(self) -> frozenset[str]:
        """Return the names in the certificate the peer has shown; known once something was read."""
        ...


class PlainWire:
    """TCP. The time limits are the socket's own (SO_RCVTIMEO), so that MSG_WAITALL reads in one call."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        connection.setblocking(True)  # noqa: FBT003
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def patience(self, seconds: float) -> None:
        """See ``Wire``; a timeout of 0 would mean none."""
        whole = max(int(seconds), 0)
        value = pack("@ll", whole, max(int((seconds - whole) * 1e6), 0 if whole else 1))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)

    def fill(self, view: memoryview) -> None:
        """See ``Wire``."""
        if not view:
            return
        count = self._receive(view, socket.MSG_WAITALL)
        if count < len(view):  # the end of the stream, or of the patience
            self.some(view[count:])
            raise SilenceError

    def some(self, view: memoryview) -> int:
        """See ``Wire``."""
        return self._receive(view, 0)

    def _receive(self, view: memoryview, flags: int) -> int:
        try:
            count = self._socket.recv_into(view, 0, flags)
        except BlockingIOError:
            raise SilenceError from None
        except OSError:
            raise ConnectionGoneError from None
        if not count:
            raise ConnectionGoneError
        # Senders that write a PDU's head and body apart (DCMTK) wait for the acknowledgement of the head, and the
        # option does not stick (tcp(7)): without this line, 40 ms per PDU.
        self._socket.setsockopt(socket.IPPROTO_TCP, _QUICK, 1)
        return count

    def send(self, content: bytes) -> None:
        """See ``Wire``."""
        try:
            self._socket.sendall(content)
        except BlockingIOError:
            raise SilenceError from None
        except OSError:
            raise ConnectionGoneError from None

    def farewell(self, longest_s: float) -> None:
        """See ``Wire``."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
        _drain(self, longest_s)

    def close(self) -> None:
        """See ``Wire``."""
        self._socket.close()

    def cut(self) -> None:
        """See ``Wire``."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def names(self) -> frozenset[str]:
        """See ``Wire``."""
        return frozenset()


class TlsWire:
    """TLS; the handshake is the first thing its thread does."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self._socket = connection
        self._patience = 0.0
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def patience(self, seconds: float) -> None:
        """See ``Wire``."""
        self._patience = seconds
        self._socket.settimeout(seconds)

    def fill(self, view: memoryview) -> None:
        """See ``Wire``."""
        end = time.monotonic() + self._patience
        while view:
            view = view[self.some(view) :]
            if view and time.monotonic() > end:
                raise SilenceError

    def some(self, view: memoryview) -> int:
        """See ``Wire``."""
        count = self._guarded(lambda: self._socket.recv_into(view))
        if not count:
            raise ConnectionGoneError
        with suppress(OSError):
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICK, 1)
        return count

    def send(self, content: bytes) -> None:
        """See ``Wire``."""
        self._guarded(lambda: self._socket.sendall(content))

    @staticmethod
    def _guarded(call: Callable[[], _T]) -> _T:
        try:
            return call()
        except TimeoutError:
            raise SilenceError from None
        except (OSError, ValueError):
            raise ConnectionGoneError from None

    def farewell(self, longest_s: float) -> None:
        """See ``Wire``; the peer closes, because it got A-RELEASE-RP, A-ASSOCIATE-RJ or A-ABORT."""
        _drain(self, longest_s)

    def close(self) -> None:
        """See ``Wire``."""
        self._socket.close()

    def cut(self) -> None:
        """See ``Wire``."""
        with suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def names(self) -> frozenset[str]:
        """See ``Wire``."""
        return certificate_names(self._socket)


FAREWELL_S = 2.0
"""Longest wait for a peer to close what is over (the ARTIM timer of PS3.8 9.1.5 for Sta13)."""


REJECTED_S = 0.5
"""The same where no association was: strangers are waited for less."""


def _drain(wire: Wire, longest_s: float) -> None:
    """Read and forget until the peer closes.

    Closing over unread bytes would reset the connection (RFC 1122 4.2.2.13), and the peer might lose our last word.
    """
    scratch = memoryview(bytearray(65536))
    end = time.monotonic() + longest_s
    with suppress(SilenceError, ConnectionGoneError):
        while (left := end - time.monotonic()) > 0:
            wire.patience(left)
            wire.some(scratch)
