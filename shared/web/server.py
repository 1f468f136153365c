"""uvicorn in a thread of its own: the socket is bound at once, so that a taken port is told at once."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_STOP_S = 10
_CONNECTIONS_PER_REQUEST = 4
"""Open connections for each request that may run at once; more are answered ``overloaded`` and closed."""
_HEADER_S = 8.0
"""A connection that has not sent the head of its next request by then is closed, in seconds."""
_CROWDED_HEADER_S = 2.0
"""The same for a connection that will only hear that there are too many."""
_HANDSHAKE_S = 5.0
"""Longest TLS handshake, in seconds."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens, and the setting that says so."""

    host: str
    port: int
    setting: str
    """For example ``lab_consumer.http_port``; named when the port is taken."""
    certificate: Path | None = None
    """PEM file of the TLS certificate (chain); None: plain HTTP."""
    key: Path | None = None


class HttpServer:
    """Serves one application until stopped."""

    def __init__(self, app: Starlette, address: Address, max_requests: int, overloaded: Response) -> None:
        """Bind the port; a request beyond ``max_requests`` at once is answered ``overloaded``."""
        self._socket = bind(address)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            _Limited(app, max_requests, overloaded),
            http=_protocol(_Crowd(_CONNECTIONS_PER_REQUEST * max_requests), overloaded),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=_STOP_S,
            ssl_certfile=address.certificate,
            ssl_keyfile=address.key,
        )
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="http", daemon=True)

    def start(self) -> None:
        """Serve; returns when the first request can be taken."""
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.01)

    def check(self) -> str:
        """Return "" while requests are answered, else what is wrong."""
        alive = self._thread.is_alive() and self._server.started
        return "" if alive else f"the HTTP door on port {self.port} has ended; restart this service"

    def stop(self) -> None:
        """Finish what is running, then stop."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(_STOP_S + 1)
        self._socket.close()


class _Limited:
    """uvicorn's own limit counts idle connections too, and its answer says neither why nor when to come back."""

    def __init__(self, app: Starlette, limit: int, overloaded: Response) -> None:
        self._app, self._limit, self._overloaded = app, limit, overloaded
        self._busy = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._busy >= self._limit:
            await self._overloaded(scope, receive, send)
            return
        self._busy += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._busy -= 1


class _Server(uvicorn.Server):
    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve; uvicorn has no setting for the longest TLS handshake, so it is given where the port is opened."""
        if self.config.is_ssl:
            loop = asyncio.get_running_loop()
            opened = partial(loop.create_server, ssl_handshake_timeout=_HANDSHAKE_S)
            loop.create_server = opened  # type: ignore[method-assign]
        await super().serve(sockets)


class _Crowd:
    """Counts connections, in all and by address; used by the server's loop alone."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_address: Counter[str] = Counter()

    def enter(self, address: str) -> None:
        self._by_address[address] += 1

    def leave(self, address: str) -> None:
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def crowded(self, address: str) -> bool:
        """One address gets half of the places."""
        return self._by_address.total() > self._most or 2 * self._by_address[address] > self._most

    def full(self, address: str) -> bool:
        """Tell whether not even a refusal is due."""
        return self._by_address.total() > 2 * self._most or self._by_address[address] > self._most


def _protocol(crowd: _Crowd, overloaded: Response) -> type[H11Protocol]:
    class Protocol(_Bounded):
        pass

    Protocol.crowd, Protocol.overloaded = crowd, overloaded
    return Protocol


class _Bounded(H11Protocol):
    """uvicorn limits neither the connections it holds nor the time that the head of a request takes."""

    crowd: _Crowd
    overloaded: Response
    _address = ""
    _deadline: asyncio.TimerHandle | None = None
    _header_s = 0.0

    def connection_made(self, transport: Any) -> None:
        """Count it, and give the peer a while for its request; one too many is answered so, or closed."""
        super().connection_made(transport)
        self._address = str((transport.get_extra_info("peername") or ("",))[0])
        self.crowd.enter(self._address)
        self._header_s = _HEADER_S
        if self.crowd.full(self._address):
            transport.abort()
        elif self.crowd.crowded(self._address):
            self.app: Any = self.overloaded
            self._header_s = min(_CROWDED_HEADER_S, _HEADER_S)
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self.crowd.leave(self._address)
        if self._deadline:
            self._deadline.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request; a crowded connection gets none."""
        self._await_request()
        super().on_response_complete()
        if self.app is self.overloaded and not self.transport.is_closing():
            self.transport.close()

    def _await_request(self) -> None:
        if self._deadline:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(self._header_s, self._close_if_waiting)

    def _close_if_waiting(self) -> None:
        if self.cycle is None or self.cycle.response_complete:  # type: ignore[redundant-expr]
            self.transport.abort()  # not close: a peer that reads nothing would keep what is still to be sent


def bind(address: Address) -> socket.socket:
    """Return a socket on an address, not yet listening.

    Raises:
        OSError: If the port is taken; names the setting.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY on such sockets only: without it every answer waits 40 ms.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((address.host, address.port))
    except OSError as error:
        bound.close()
        raise OSError(
            f"cannot listen on {address.host}:{address.port} ({error.strerror}): change {address.setting} in site.toml"
        ) from error
    return bound
