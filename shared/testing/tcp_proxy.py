"""A TCP proxy on 127.0.0.1 that cuts, refuses, delays and swallows answers when a test says so."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_CHUNK = 1 << 16
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with 0 s: close() sends RST, as a dying peer's kernel does


@dataclass
class TcpProxy:
    """Passes every connection on to one port of 127.0.0.1; the switches may be set from any thread."""

    target_port: int
    port: int = 0
    refusing: bool = False
    """Connections are accepted and reset at once."""
    swallowing: bool = False
    """What the client sends passes; what the target answers does not."""
    delay_s: float = 0.0
    """Pause before each piece is passed on, in seconds."""
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop | None = None

    def cut(self) -> int:
        """Reset every open connection; return how many there were."""
        if self._loop is None:
            return 0
        return asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(10)

    def heal(self) -> None:
        """Take every switch back."""
        self.refusing = self.swallowing = False
        self.delay_s = 0.0

    async def _cut(self) -> int:
        writers = tuple(self._open)
        for writer in writers:
            _reset(writer)
        return len(writers) // 2

    async def serve(self, started: threading.Event, stop: asyncio.Event) -> None:
        """Listen until ``stop``."""
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._pass, "127.0.0.1", self.port, limit=4 * _CHUNK)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        async with server:
            await stop.wait()
            server.close()
            await self._cut()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            return _reset(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port, limit=4 * _CHUNK)
        except OSError:
            return _reset(writer)
        both = {writer, far_writer}
        self._open |= both
        try:
            await asyncio.gather(
                self._pump(reader, far_writer, answers=False), self._pump(far_reader, writer, answers=True)
            )
        except OSError:
            for one in both:
                _reset(one)
        finally:
            self._open -= both
            for one in both:
                one.close()
        return None

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        while content := await reader.read(_CHUNK):
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            if not (answers and self.swallowing):
                writer.write(content)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


@contextmanager
def start_proxy(target_port: int, port: int = 0) -> Iterator[TcpProxy]:
    """Run a proxy in a thread of its own; it ends, cutting what is open, when the block ends."""
    proxy, started = TcpProxy(target_port, port), threading.Event()
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=_run, args=(loop, proxy, started, stop), daemon=True)
    thread.start()
    try:
        if not started.wait(10):
            raise RuntimeError("the proxy did not start")
        yield proxy
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


def _run(loop: asyncio.AbstractEventLoop, proxy: TcpProxy, started: threading.Event, stop: asyncio.Event) -> None:
    try:
        loop.run_until_complete(proxy.serve(started, stop))
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left))
    finally:
        loop.close()
