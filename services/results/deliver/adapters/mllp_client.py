"""One connection to a laboratory system by MLLP, kept open; a message goes out, its acknowledgment comes back."""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field

from services.results.deliver.ports import NotReachedError
from shared.domain.errors import UnavailableError
from shared.hl7.mllp import Block, Frames, framed

_LARGEST_ANSWER = 200_000
"""Bytes; an acknowledgment has some hundreds."""
_CHUNK = 65536


class _EndedError(Exception):
    """The connection ended before a byte of the answer came."""


@dataclass(slots=True)
class MllpClient:
    """Exchanges one message at a time (MLLP release 1 knows no other way); several threads may share it."""

    name: str
    """Of the sink, for sentences."""
    host: str
    port: int
    timeout_s: float
    tls: ssl.SSLContext | None = None
    _socket: socket.socket | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def exchange(self, content: bytes) -> bytes:
        """Return the block that answered ``content``.

        Raises:
            NotReachedError: If there is no connection: nothing left.
            UnavailableError: If no whole answer came in time; the message may have arrived.
        """
        with self._lock:
            try:
                return self._exchange(content)
            except BaseException:
                self._close()  # what is still on its way must never be taken for the answer to another message
                raise

    def reach(self) -> None:
        """Open a connection and end it.

        Raises:
            NotReachedError: If there is none.
        """
        with self._lock:
            self._connect()
            self._close()

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            self._close()

    def _exchange(self, content: bytes) -> bytes:
        deadline = time.monotonic() + self.timeout_s
        kept = self._still_open()
        try:
            return self._ask(content, deadline)
        except _EndedError:
            if not kept:
                raise UnavailableError(f"{self.name} closed the connection without an answer") from None
        # It had closed a connection that was idle, in the moment we used it; the same MSH-10 makes a repeat harmless.
        self._close()
        try:
            return self._ask(content, deadline)
        except _EndedError:
            raise UnavailableError(f"{self.name} closed the connection without an answer") from None

    def _ask(self, content: bytes, deadline: float) -> bytes:
        connection = self._socket or self._connect()
        try:
            connection.settimeout(self.timeout_s)
            connection.sendall(framed(content))
        except TimeoutError:
            raise UnavailableError(f"{self.name} takes no more bytes") from None
        except OSError as error:
            raise _EndedError from error
        return self._answer(connection, deadline)

    def _answer(self, connection: socket.socket, deadline: float) -> bytes:
        frames, heard = Frames(_LARGEST_ANSWER), False
        while True:
            received = self._receive(connection, deadline, heard=heard)
            heard = True
            events = frames.feed(received)
            block = next((event for event in events if isinstance(event, Block)), None)
            if block is not None:
                return block.content
            if events or frames.stray > _LARGEST_ANSWER:
                raise UnavailableError(f"{self.name} answered something that is no MLLP block")

    def _receive(self, connection: socket.socket, deadline: float, *, heard: bool) -> bytes:
        left = deadline - time.monotonic()
        try:
            connection.settimeout(max(left, 0.001))
            received = connection.recv(_CHUNK)
        except TimeoutError:
            what = "did not finish its answer" if heard else "did not answer"
            raise UnavailableError(f"{self.name} {what} within {self.timeout_s:g} s") from None
        except OSError:
            received = b""
        if received:
            return received
        if heard:
            raise UnavailableError(f"{self.name} cut the connection within its answer")
        raise _EndedError

    def _connect(self) -> socket.socket:
        try:
            plain = socket.create_connection((self.host, self.port), self.timeout_s)
        except OSError as error:
            raise NotReachedError(f"{self.name} cannot be reached ({type(error).__name__})") from error
        try:
            self._socket = self.tls.wrap_socket(plain, server_hostname=self.host) if self.tls else plain
        except OSError as error:
            plain.close()
            raise NotReachedError(
                f"{self.name}: no TLS connection; is its certificate valid, and its CA trusted here (tls_ca)?"
            ) from error
        return self._socket

    def _still_open(self) -> bool:
        """Tell whether a kept connection can be used: it has not ended, and nothing waits on it unasked."""
        if self._socket is None:
            return False
        readable, _, _ = select.select([self._socket], [], [], 0)
        if readable:
            self._close()
        return not readable

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
