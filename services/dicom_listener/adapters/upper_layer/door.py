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
from shared.domain.errors import place
from shared.domain.refusals import Cause
from shared.observability import metrics

log = structlog.get_logger("oncorelay.dicom_listener")

_BACKLOG = 128
_PAUSE_S = 0.02
_ACCEPT_PAUSE_S = 0.1
"""After accept failed (no descriptors left, say)."""
_CORNER = 8
"""Connections of unlisted addresses that wait for their rejection, all together."""


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
        self._plain = self._tls = 0

    @property
    def port(self) -> int:
        """Port it listens on without TLS, or 0."""
        return self._plain

    @property
    def tls_port(self) -> int:
        """Port it listens on with TLS, or 0."""
        return self._tls

    def start(self) -> None:
        """Begin to listen."""
        try:
            self._open_ports()
        except OSError:
            self.stop()
            raise

    def _open_ports(self) -> None:
        settings, context = self._settings, self._settings.tls
        if settings.port is not None:
            self._plain = self._listen(settings.port, PlainWire, "dicom_listener.port")
        if context is not None:
            self._tls = self._listen(
                settings.tls_port, lambda connection: _tls(connection, context), "dicom_listener.tls_port"
            )

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

    def _listen(self, port: int, wire: Callable[[socket.socket], Wire], setting: str) -> int:
        """Accept on a port from now on; return the port."""
        host = self._settings.host
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        except OSError as error:
            raise OSError(
                f"cannot listen on {host}:{port} ({error.strerror}): change {setting} in site.toml"
            ) from error
        self._sockets.append(listener)
        found = int(listener.getsockname()[1])
        # Log fields bound by the creating thread (the service's name) go along.
        run = copy_context().run
        acceptor = Thread(target=run, args=(self._accept, listener, wire), name="accept", daemon=True)
        acceptor.start()
        self._acceptors.append(acceptor)
        return found

    def _accept(self, listener: socket.socket, wire: Callable[[socket.socket], Wire]) -> None:
        while listener.fileno() >= 0:
            try:
                connection, peer = listener.accept()
            except OSError:
                if _is_down(listener):
                    return
                time.sleep(_ACCEPT_PAUSE_S)
                continue
            try:
                self._begin(connection, str(peer[0]), wire)
            except Exception as error:  # noqa: BLE001 - a door that stops accepting is dead, and looks well
                log.error("connection_broke", error=type(error).__name__, place=place(error))  # noqa: TRY400
                connection.close()

    def _begin(self, connection: socket.socket, address: str, wire: Callable[[socket.socket], Wire]) -> None:
        """Give a connection its thread; whatever goes wrong here costs this connection, never the door."""
        why = self._no_place(address)
        if why:
            metrics.ASSOCIATIONS_REFUSED.add(cause=Cause.OVERLOADED)
            log.warning("connection_closed", why=why, address=address)
            connection.close()
            return
        try:
            association = Association(self._terms, wire(connection), address, next(self._numbers))
        except OSError:  # gone already
            connection.close()
            return
        self._give_thread(association)

    def _give_thread(self, association: Association) -> None:
        thread = Thread(target=copy_context().run, args=(self._run, association), name="association", daemon=True)
        with self._lock:
            self._connections[association] = thread
        try:
            thread.start()
        except RuntimeError:  # the system gives no more threads
            log.error("no_thread_for_connection", address=association.address)  # noqa: TRY400
            metrics.ASSOCIATIONS_REFUSED.add(cause=Cause.OVERLOADED)
            with self._lock:
                del self._connections[association]
            association.wire.close()

    def _no_place(self, address: str) -> str:
        """Return why one more connection of this address is closed unheard, or "".

        An address that is not listed is heard, because its rejection is what an operator sees on the other side; but
        all of them together get a corner only, so that strangers take no place of a sender.
        """
        alone = [one for one, _ in self._all() if one.address == address]
        if len(alone) >= self._settings.max_per_address:
            return "too many connections of this address"
        listed = self._terms.behind.admission.is_listed
        outside = [one for one in self._not_open() if not listed(one.address)]
        if not listed(address):
            return "too many connections of unlisted addresses" if len(outside) >= _CORNER else ""
        crowded = len(self._not_open()) - len(outside) >= self._settings.max_waiting
        return "too many waiting connections" if crowded else ""

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

    def _not_open(self) -> list[Association]:
        return [association for association, _ in self._all() if association.stage is not Stage.OPEN]

    def check(self) -> str:
        """Return "" while every port is accepted from, else what is wrong."""
        if self._acceptors and all(acceptor.is_alive() for acceptor in self._acceptors):
            return ""
        return "the C-STORE door accepts no connections any more; restart the listener"


def _is_down(listener: socket.socket) -> bool:
    """Tell whether ``stop`` has shut the socket."""
    try:
        return not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError:
        return True


def _tls(connection: socket.socket, context: ssl.SSLContext) -> TlsWire:
    return TlsWire(context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False))
