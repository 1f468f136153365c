"""uvicorn in a thread of its own: the socket is bound at once, so that a taken port is told at once."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_STOP_S = 10
_CONNECTIONS_PER_REQUEST = 4
"""Open connections for each request that may run at once; more are answered 503 by uvicorn and closed."""
_HEADER_S = 15.0
"""A connection that has not sent the headers of its first request by then is closed, in seconds."""


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
        self._socket = _bind(address)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            _Limited(app, max_requests, overloaded),
            http=_HeadersInTime,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            limit_concurrency=_CONNECTIONS_PER_REQUEST * max_requests,
            timeout_graceful_shutdown=_STOP_S,
            ssl_certfile=address.certificate,
            ssl_keyfile=address.key,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="http", daemon=True)

    def start(self) -> None:
        """Serve; returns when the first request can be taken."""
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.01)

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


class _HeadersInTime(H11Protocol):
    """uvicorn limits the pause between two requests, not the time to the first: a silent peer would stay for ever."""

    def connection_made(self, transport: Any) -> None:
        """Give the peer ``_HEADER_S`` seconds for its first request."""
        super().connection_made(transport)
        asyncio.get_running_loop().call_later(_HEADER_S, self._close_if_silent)

    def _close_if_silent(self) -> None:
        if self.scope is None:
            self.transport.close()


def _bind(address: Address) -> socket.socket:
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
