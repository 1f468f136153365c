"""A laboratory information system on 127.0.0.1 that takes messages by MLLP: python-hl7, in the mood a test wants."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import hl7
import hl7.mllp

_START_S = 10


class Mood(StrEnum):
    """What it does with the next message."""

    ACCEPT = "AA"
    ERROR = "AE"
    REJECT = "AR"
    COMMIT = "CA"
    GARBAGE = "garbage"
    """A block that is no HL7."""
    HTTP = "http"
    """Bytes that are no block."""
    OTHER = "other"
    """AA to another message."""
    SILENCE = "silence"
    CUT = "cut"
    """The connection ends without an answer."""
    HALF = "half"
    """The connection ends within the answer."""
    ONCE = "once"
    """AA, and then the connection ends."""


@dataclass
class LaboratorySystem:
    """What it heard, and how it answers; the moods may be set from any thread."""

    port: int = 0
    moods: deque[Mood] = field(default_factory=deque)
    """One for each message to come; then it accepts."""
    heard: list[str] = field(default_factory=list)
    """Every message as it was read, oldest first."""
    connections: int = 0

    def last(self) -> hl7.Message:
        """Return the message heard last, as python-hl7 reads it."""
        return hl7.parse(self.heard[-1])

    async def serve(self, reader: Any, writer: Any) -> None:
        """Answer one connection."""
        self.connections += 1
        try:
            while True:
                message = await reader.readmessage()
                self.heard.append(str(message))
                if not await self._answer(message, writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, message: hl7.Message, writer: Any) -> bool:
        """Answer, or not; return whether the connection goes on."""
        mood = self.moods.popleft() if self.moods else Mood.ACCEPT
        if mood is Mood.GARBAGE:
            writer.writeblock(b"this is no acknowledgment")
        elif mood is Mood.HTTP:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n\x0bMSH|^~\\&|\x0bMSH")
        elif mood is Mood.HALF:
            writer.write(b"\x0b" + str(_ack(message, Mood.ACCEPT)).encode()[:40])
        elif mood not in {Mood.CUT, Mood.SILENCE}:
            writer.writemessage(_ack(message, mood))
        await writer.drain()
        return mood not in {Mood.CUT, Mood.HALF, Mood.ONCE}


def _ack(message: hl7.Message, mood: Mood) -> hl7.Message:
    code = {Mood.OTHER: "AA", Mood.ONCE: "AA"}.get(mood, mood.value)
    answer = message.create_ack(code)
    if mood is Mood.OTHER:
        answer["MSA.F2"] = "ANOTHER"
    if mood in {Mood.ERROR, Mood.REJECT}:
        texts = "ERR||OBX^3^5|103^Table value not found^HL70357|E||||PATIENT CARLA CANARY IS NOT KNOWN"
        return hl7.parse(f"{answer}{texts}\r")
    return answer


@contextmanager
def laboratory_system(port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[LaboratorySystem]:
    """Run one until the block ends; ``port`` 0 takes a free one."""
    system = LaboratorySystem()
    loop, ready = asyncio.new_event_loop(), threading.Event()
    servers: list[Any] = []

    async def begin() -> None:
        server = await hl7.mllp.start_hl7_server(system.serve, "127.0.0.1", port, encoding="utf-8", ssl=tls)
        system.port = server.sockets[0].getsockname()[1]
        servers.append(server)
        ready.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(begin())
        loop.run_forever()
        loop.run_until_complete(_end(servers))
        loop.close()

    thread = threading.Thread(target=run, name="laboratory-system", daemon=True)
    thread.start()
    if not ready.wait(_START_S):
        raise RuntimeError("the laboratory system did not start")
    try:
        yield system
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_START_S)


async def _end(servers: list[Any]) -> None:
    for server in servers:
        server.close()
    rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
