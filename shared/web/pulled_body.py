"""A request body pulled by a worker thread: bounded in time and pace, never held whole."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from anyio import from_thread

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
"""ASGI's ``receive``."""
_SLICE_S = 0.5
"""How often a silent peer is looked at, in seconds."""


class BodyCutError(Exception):
    """The peer is gone before the body's end."""


class BodyTooSlowError(Exception):
    """The body comes too slowly, or takes too long."""


class StoppingError(Exception):
    """The service stops."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a body must come in. Only the time spent waiting for the peer counts, not ours."""

    idle_s: float
    """Longest pause between two pieces."""
    longest_s: float
    """Longest wait in all."""
    min_bytes_per_s: float
    """Slowest rate in the mean, once ``idle_s`` have been waited."""


class PulledBody:
    """Iterate over it in a worker thread (``anyio.to_thread``)."""

    def __init__(self, receive: Receive, pace: Pace, stopping: Callable[[], bool]) -> None:
        self._receive, self._pace, self._stopping = receive, pace, stopping
        self._waited_s = 0.0
        self._received = 0
        self.ended = False
        """True once the body's last byte was read."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the pieces.

        Raises:
            BodyCutError: See there, as for the others.
            BodyTooSlowError: .
            StoppingError: .
        """
        while not self.ended:
            piece = from_thread.run(self._next)
            if piece:
                yield piece

    async def _next(self) -> bytes:
        began = time.monotonic()
        message = await self._message(began)
        self._waited_s += time.monotonic() - began
        if message["type"] == "http.disconnect":
            raise BodyCutError
        piece: bytes = message.get("body", b"")
        self._received += len(piece)
        self.ended = not message.get("more_body", False)
        if not self.ended:
            self._check(self._waited_s, 0.0)
        return piece

    async def _message(self, began: float) -> MutableMapping[str, Any]:
        while True:
            if self._stopping():
                raise StoppingError
            try:
                async with asyncio.timeout(_SLICE_S):
                    return await self._receive()
            except TimeoutError:
                idle = time.monotonic() - began
                self._check(self._waited_s + idle, idle)

    def _check(self, waited_s: float, idle_s: float) -> None:
        pace = self._pace
        slow = waited_s > pace.idle_s and self._received < pace.min_bytes_per_s * (waited_s - pace.idle_s)
        if idle_s > pace.idle_s or waited_s > pace.longest_s or slow:
            raise BodyTooSlowError


async def drain(receive: Receive, max_bytes: int = 1 << 20, longest_s: float = 1.0) -> None:
    """Read and forget a body that was refused, within limits.

    Closing a connection that holds unread bytes resets it, and the peer may then lose the answer (RFC 9112 9.6).
    """
    left = max_bytes
    with suppress(TimeoutError):
        async with asyncio.timeout(longest_s):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
