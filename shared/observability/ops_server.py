"""A small HTTP server for operators, on its own address and threads: health and metrics, nothing about a patient.

``GET /health/live`` 200 while the process answers at all. ``GET /health/ready`` 200, or 503 with what is wrong and the
remedy by check. ``GET /metrics`` the Prometheus text, or OpenMetrics where it is asked for. The address is meant for
loopback or the inside network: whoever reaches it reads counts and sentences, and can change nothing.
"""

from __future__ import annotations

import contextlib
import json
import socket
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Thread, Timer
from typing import Any

from shared.domain.errors import InvalidInputError
from shared.observability.health import Health
from shared.observability.metrics import exposition

MOST_CONNECTIONS = 16
"""More at once are closed without an answer."""
PATIENCE_S = 5.0
"""A connection that is silent for longer is closed, in seconds."""
LONGEST_S = 10.0
"""A connection is cut after this time however busily it dribbles, in seconds."""
_JSON = "application/json"


class OpsServer:
    """Answers until stopped; ``address`` is host:port, port 0 takes a free one."""

    def __init__(self, service: str, address: str, health: Health) -> None:
        host, port = split(address)
        self._server = _Server((host, port), _answers(service, health))
        self.port: int = self._server.server_address[1]
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, name="ops", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """End; answers under way are not waited for."""
        self._server.shutdown()
        self._thread.join(PATIENCE_S)
        self._server.server_close()

    def abandon(self) -> None:
        """In a forked child: let go of the parent's socket, or its port would stay taken when the parent dies."""
        self._server.socket.close()


def split(address: str) -> tuple[str, int]:
    """Return host and port.

    Raises:
        InvalidInputError: If it is not host:port.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 0xFFFF:
        raise InvalidInputError("ops_address", "must be host:port, or empty for none")
    return host.strip("[]") or "127.0.0.1", int(port)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        try:
            super().__init__(address, handler)
        except OSError as error:
            where = f"{address[0]}:{address[1]}"
            raise OSError(f"cannot listen on {where} ({error.strerror}): change ops_address in site.toml") from error
        self._places = BoundedSemaphore(MOST_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin a thread where there is a place left."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer within ``LONGEST_S``, and give the place back."""
        end = Timer(LONGEST_S, _cut, (request,))
        end.daemon = True
        end.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            end.cancel()
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent about a connection that broke: it concerns nobody else."""


def _cut(request: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it ended by itself
        request.shutdown(socket.SHUT_RDWR)


def _answers(service: str, health: Health) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        pass

    Handler.service, Handler.health = service, health
    return Handler


class _Handler(BaseHTTPRequestHandler):
    service: str
    health: Health
    timeout = PATIENCE_S
    server_version = "OncoRelay"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer one of the three paths."""
        routes = {"/health/live": self._live, "/health/ready": self._ready, "/metrics": self._metrics}
        routes.get(self.path, self._unknown)()

    def _live(self) -> None:
        self._send(HTTPStatus.OK, json.dumps({"service": self.service, "live": True}).encode())

    def _ready(self) -> None:
        problems = self.health.problems()
        status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
        found = {"service": self.service, "ready": not problems, "checked": list(self.health.checks)}
        self._send(status, json.dumps({**found, "problems": problems}).encode())

    def _metrics(self) -> None:
        content, kind = exposition(self.service, self.headers.get("Accept", ""))
        self._send(HTTPStatus.OK, content, kind)

    def _unknown(self) -> None:
        self._send(HTTPStatus.NOT_FOUND, b'{"known": ["/health/live", "/health/ready", "/metrics"]}')

    def _send(self, status: HTTPStatus, content: bytes, kind: str = _JSON) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - http.server's name
        """Log nothing: a path may hold what somebody typed."""
