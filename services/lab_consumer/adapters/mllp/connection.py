"""One sender: its blocks in order. What came together is committed together, and answered after that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from services.lab_consumer.adapters.mllp.desk import Conversation, Desk
from shared.domain.refusals import Cause
from shared.hl7.mllp import Block, Cut, Event, Frames, TooLarge, framed
from shared.observability import metrics

_CHUNK = 65536
_AT_ONCE = 50
"""Messages of one transaction at most: others wait for their turn meanwhile."""
_MOST_STRAY = 65536
"""Bytes outside of blocks after which a sender is not one that speaks MLLP."""
_LINGER_S = 1.0
"""So long a connection is read after its last answer, that the answer is not lost by what still comes."""
_TURNED_AWAY_S = 3.0
_TURNED_AWAY_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Pace:
    """How much and how long one sender may take."""

    max_bytes: int
    message_s: float
    """From the first byte of a block to its last."""
    idle_s: float
    """Without any byte between two blocks."""
    write_s: float = 10.0
    """Until an answer was taken."""


@dataclass(slots=True)
class Connection:
    """Serves one connection; the owner closes the writer."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    desk: Desk
    pace: Pace
    threads: Executor
    stopping: Callable[[], bool]
    _frames: Frames = field(init=False)
    waiting: bool = True
    """Nothing is at hand: it may be ended at once."""
    _began: float = 0.0

    async def serve(self) -> None:
        """Answer messages until the sender goes, dawdles or is asked to.

        Raises:
            OSError: If the connection broke; ``TimeoutError`` where the sender takes no answer.
        """
        self._frames = Frames(self.pace.max_bytes)
        conversation = Conversation(self.desk)
        try:
            await self._converse(conversation)
        finally:
            conversation.end()
        if self._frames.begun:
            metrics.MESSAGES_CUT.add()

    async def _converse(self, conversation: Conversation) -> None:
        while not self.stopping() and self._frames.stray <= _MOST_STRAY:
            received = await self._received()
            if not received:
                break
            events = self._frames.feed(received)
            if events or not self._began:
                self._began = asyncio.get_running_loop().time()
            self.waiting = False
            for blocks, other in _runs(events):
                await self._take(blocks, conversation)
                if other:
                    await self._refuse(other)
            self.waiting = True
            if not self._frames.begun:
                self._began = 0.0

    async def turn_away(self, cause: Cause, text: str) -> None:
        """Answer the first message of somebody who gets no place, unread, and no other."""
        self._frames = Frames(_TURNED_AWAY_BYTES)
        async with asyncio.timeout(_TURNED_AWAY_S):
            while received := await self.reader.read(_CHUNK):
                for event in self._frames.feed(received):
                    if not isinstance(event, Cut):
                        head = event.content if isinstance(event, Block) else event.head
                        await self._send(self.desk.refused(head, cause, text))
                        await self._linger()
                        return
                if self._frames.stray > _MOST_STRAY:
                    return

    async def _received(self) -> bytes:
        """Return some bytes; none where the sender is gone, was silent for too long, or takes too long."""
        begun, now = self._frames.begun, asyncio.get_running_loop().time()
        patience = self._began + self.pace.message_s - now if begun else self.pace.idle_s
        try:
            async with asyncio.timeout(max(patience, 0.0)):
                return await self.reader.read(_CHUNK)
        except TimeoutError:
            if begun:
                text = f"the message did not end within {self.pace.message_s:g} s"
                await self._send(self.desk.refused(self._frames.head, Cause.TOO_SLOW, text))
                await self._linger()
            return b""

    async def _take(self, blocks: Sequence[Block], conversation: Conversation) -> None:
        contents = [block.content for block in blocks]
        for first in range(0, len(contents), _AT_ONCE):
            for answer in await self._answers(contents[first : first + _AT_ONCE], conversation):
                await self._send(answer)

    async def _answers(self, contents: Sequence[bytes], conversation: Conversation) -> list[bytes]:
        if self.stopping():
            text = "the service is on its way down; send it again"
            return [self.desk.refused(content, Cause.STOPPING, text) for content in contents]
        return await asyncio.get_running_loop().run_in_executor(self.threads, conversation.answers, contents)

    async def _refuse(self, event: TooLarge | Cut) -> None:
        if isinstance(event, Cut):
            metrics.MESSAGES_CUT.add()
            return
        text = f"the message is larger than {self.pace.max_bytes} bytes"
        await self._send(self.desk.refused(event.head, Cause.TOO_LARGE, text))

    async def _send(self, answer: bytes) -> None:
        self.writer.write(framed(answer))
        async with asyncio.timeout(self.pace.write_s):
            await self.writer.drain()

    async def _linger(self) -> None:
        if self.writer.can_write_eof():
            self.writer.write_eof()
        try:
            async with asyncio.timeout(_LINGER_S):
                while await self.reader.read(_CHUNK):
                    pass
        except TimeoutError:
            return


def _runs(events: Sequence[Event]) -> Iterator[tuple[list[Block], TooLarge | Cut | None]]:
    """Yield messages that follow each other, and what came behind them that is none."""
    blocks: list[Block] = []
    for event in events:
        if isinstance(event, Block):
            blocks.append(event)
        else:
            yield blocks, event
            blocks = []
    yield blocks, None
