"""asyncio in a thread of its own: who gets a place, and an orderly end. The port is bound at once."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from services.lab_consumer.adapters.mllp.connection import Connection, Pace
from services.lab_consumer.adapters.mllp.desk import Desk
from shared.domain.refusals import Cause
from shared.observability import metrics
from shared.site.networks import Network, within
from shared.web.server import Address, bind

log = structlog.get_logger("oncorelay.lab_consumer")

_THREADS = 4
_HANDSHAKE_S = 5.0
_GRACE_S = 10.0
"""After a stop was asked for, so long the messages at hand may take."""
_TURNED_AWAY = 32
"""Connections beyond the places that may wait to hear so."""
_TOO_MANY = "too many connections at once; try again later"
_STRANGER = "this address may not send (mllp_allowed_networks)"


@dataclass(frozen=True, slots=True)
class Places:
    """Who may connect, and how many."""

    networks: tuple[Network, ...]
    most: int
    most_per_address: int


class MllpServer:
    """Serves until stopped; ``port`` is the one that was bound."""

    def __init__(
        self, address: Address, context: ssl.SSLContext | None, places: Places, pace: Pace, desk: Desk
    ) -> None:
        self._socket = bind(address)
        self.port: int = self._socket.getsockname()[1]
        self._context, self._places, self._pace, self._desk = context, places, pace, desk
        self._by_address: Counter[str] = Counter()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="mllp")
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._open: dict[asyncio.Task[None], Connection] = {}
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._main(),), name="mllp-door")
        self._thread.daemon = True

    def start(self) -> None:
        """Serve; returns when the first connection can be taken."""
        self._thread.start()
        self._started.wait(_GRACE_S)

    def check(self) -> str:
        """Return "" while connections are taken, else what is wrong."""
        return "" if self._thread.is_alive() else f"the MLLP door on port {self.port} has ended; restart this service"

    def stop(self) -> None:
        """Answer what is at hand, then stop."""
        if self._thread.ident is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_GRACE_S + 2)
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._socket.close()

    async def _main(self) -> None:
        server = await asyncio.start_server(
            self._serve, sock=self._socket, ssl=self._context,
            ssl_handshake_timeout=_HANDSHAKE_S if self._context else None,
        )  # fmt: skip
        self._started.set()
        await self._stop.wait()
        server.close()
        await self._finish()

    async def _finish(self) -> None:
        """Let the messages at hand be answered; whoever waits for a sender ends at once."""
        for task, connection in self._open.items():
            if connection.waiting:
                task.cancel()
        if self._open:
            _, late = await asyncio.wait(self._open, timeout=_GRACE_S)
            for task in late:
                task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = str((writer.get_extra_info("peername") or ("",))[0])
        connection = Connection(reader, writer, self._desk, self._pace, self._threads, self._stop.is_set)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this as a task
        self._open[task] = connection
        self._by_address[address] += 1
        metrics.MLLP_CONNECTIONS.set(len(self._open))
        try:
            await self._conversation(connection, address)
        except (OSError, TimeoutError) as error:
            log.info("mllp_connection_broke", error=type(error).__name__)
            writer.transport.abort()  # not close: a peer that reads nothing would keep what is still to be sent
        finally:
            writer.close()
            del self._open[task]
            self._by_address -= Counter({address: 1})
            metrics.MLLP_CONNECTIONS.set(len(self._open))

    async def _conversation(self, connection: Connection, address: str) -> None:
        _keep_alive(connection.writer)
        if len(self._open) > self._places.most + _TURNED_AWAY:
            return  # not even a refusal is due
        if not within(address, self._places.networks):
            await connection.turn_away(Cause.CALLER_UNKNOWN, _STRANGER)
        elif len(self._open) > self._places.most or self._by_address[address] > self._places.most_per_address:
            await connection.turn_away(Cause.OVERLOADED, _TOO_MANY)
        else:
            await connection.serve()


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """Have the system notice a sender that vanished: laboratories keep connections open for days."""
    found = writer.get_extra_info("socket")
    if found is not None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
