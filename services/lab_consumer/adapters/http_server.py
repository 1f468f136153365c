"""uvicorn in a thread of its own: the socket is bound at once, so that a taken port is told at once."""

from __future__ import annotations

import socket
import threading
import time

import uvicorn
from starlette.applications import Starlette

_STOP_S = 10


class HttpServer:
    """Serves one application until stopped."""

    def __init__(self, app: Starlette, host: str, port: int, max_connections: int) -> None:
        self._socket = _bind(host, port)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            limit_concurrency=max_connections,
            timeout_graceful_shutdown=_STOP_S,
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


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY on such sockets only: without it every answer waits 40 ms.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise OSError(
            f"cannot listen on {host}:{port} ({error.strerror}): change lab_consumer.http_port in site.toml"
        ) from error
    return bound
