"""The door: listening sockets, a thread per connection, an orderly stop."""

from __future__ import annotations

import itertools
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from threading import Lock, Thread

import structlog

from services.dicom_listener.adapters.door_settings import Behind, DoorSettings, offered
from services.dicom_listener.adapters.upper_layer.association import Association, Stage, Terms
from services.dicom_listener.adapters.upper_layer.wire import PlainWire, TlsWire, Wire

log = structlog.get_logger("oncorelay.dicom_listener")

_BACKLOG = 128
_PAUSE_S = 0.02
_ACCEPT_PAUSE_S = 0.1
"""After accept failed (no descriptors left, say)."""


class UpperLayerDoor:
    """Implements ``ports.receiving.Door``."""

    def __init__(self, settings: DoorSettings, behind: Behind) -> None:
        self._settings = settings
        self._terms = Terms(
            behind,
            offered(settings, behind),
            settings.max_object_bytes,
            settings.acse_timeout_s,
            settings.network_timeout_s,
        )
        self._numbers = itertools.count(1)
        self._connections: dict[Association, Thread] = {}
        self._lock = Lock()
        self._sockets: list[socket.socket] = []
        self._acceptors: list[Thread] = []

    @property
    def port(self) -> int:
        """Port it listens on."""
        return int(self._sockets[0].getsockname()[1])

    @property
    def tls_port(self) -> int:
        """Port it listens on with TLS, or 0."""
        return int(self._sockets[1].getsockname()[1]) if len(self._sockets) > 1 else 0

    def start(self) -> None:
        """Begin to listen."""
        self._listen(self._settings.port, PlainWire)
        context = self._settings.tls
        if context is not None:
            self._listen(self._settings.tls_port, lambda connection: _tls(connection, context))

    def stop(self) -> None:
        """Close the ports, wait for open associations, abort the rest."""
        for listener in self._sockets:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes accept
            listener.close()
        for acceptor in self._acceptors:
            acceptor.join()
        end = time.monotonic() + self._settings.stop_grace_s
        while self._in(Stage.OPEN) and time.monotonic() < end:
            time.sleep(_PAUSE_S)
        for association, thread in self._all():
            association.end_now()
            thread.join(_ACCEPT_PAUSE_S * 10)
        self._sockets, self._acceptors = [], []

    def _listen(self, port: int, wire: Callable[[socket.socket], Wire]) -> None:
        host = self._settings.host
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        except OSError as error:
            raise OSError(f"cannot listen on {host}:{port}: is another program using it?") from error
        self._sockets.append(listener)
        # Log fields bound by the creating thread (the service's name) go along.
        run = copy_context().run
        acceptor = Thread(target=run, args=(self._accept, listener, wire), name="accept", daemon=True)
        self._acceptors.append(acceptor)
        acceptor.start()

    def _accept(self, listener: socket.socket, wire: Callable[[socket.socket], Wire]) -> None:
        while listener.fileno() >= 0:
            try:
                connection, peer = listener.accept()
            except OSError:
                if _is_down(listener):
                    return
                time.sleep(_ACCEPT_PAUSE_S)
                continue
            self._begin(connection, str(peer[0]), wire)

    def _begin(self, connection: socket.socket, address: str, wire: Callable[[socket.socket], Wire]) -> None:
        if len(self._in(Stage.WAITING)) >= self._settings.max_waiting:
            log.warning("too_many_waiting_connections", address=address)
            connection.close()
            return
        try:
            association = Association(self._terms, wire(connection), address, next(self._numbers))
        except OSError:  # gone already
            connection.close()
            return
        thread = Thread(target=copy_context().run, args=(self._run, association), name="association", daemon=True)
        with self._lock:
            self._connections[association] = thread
        thread.start()

    def _run(self, association: Association) -> None:
        try:
            association.run()
        finally:
            with self._lock:
                self._connections.pop(association, None)

    def _all(self) -> list[tuple[Association, Thread]]:
        with self._lock:
            return list(self._connections.items())

    def _in(self, stage: Stage) -> list[Association]:
        return [association for association, _ in self._all() if association.stage is stage]


def _is_down(listener: socket.socket) -> bool:
    """Tell whether ``stop`` has shut the socket."""
    try:
        return not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError:
        return True


def _tls(connection: socket.socket, context: ssl.SSLContext) -> TlsWire:
    return TlsWire(context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False))
