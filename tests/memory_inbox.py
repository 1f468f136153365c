"""An inbox in memory behind the ports of the doors: what was committed, told, and discarded."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.dicom_listener.ports.inbox import Announced, Stored
from shared.domain.errors import OutOfResourcesError
from shared.domain.refusals import Cause


@dataclass
class MemoryInbox:
    """Implements ``Inbox``, ``Inlet``, ``Gatekeeper`` and ``Arrivals``."""

    objects: list[tuple[Announced, bytes]] = field(default_factory=list)
    told: list[tuple[object, ...]] = field(default_factory=list)
    discarded: int = 0
    open_inlets: int = 0
    full_after: int = 1 << 62
    """Objects after which the disk refuses."""
    closed_because: Cause | None = None
    largest_chunk: int = 0

    def open(self, association: int, sender: str) -> MemoryInbox:
        self.open_inlets += 1
        return self

    def begin(self, announced: Announced) -> MemoryIncoming:
        if len(self.objects) >= self.full_after:
            raise OutOfResourcesError("the disk is full")
        return MemoryIncoming(self, announced)

    def close(self) -> None:
        self.open_inlets -= 1

    def refusal(self, sender: str) -> Cause | None:
        return self.closed_because

    def opened(self, association: int, sender: str) -> None:
        self.told.append(("opened", sender))

    def stored(self, stored: Stored) -> None:
        self.told.append(("stored", stored.announced.sop_instance_uid))

    def refused(self, association: int, cause: Cause) -> None:
        self.told.append(("refused", cause))

    def ended(self, association: int, *, released: bool) -> None:
        self.told.append(("ended", released))


@dataclass
class MemoryIncoming:
    """Gives room in small pieces, as a buffer that is nearly full does."""

    inbox: MemoryInbox
    announced: Announced
    content: bytearray = field(default_factory=bytearray)
    piece: bytearray = field(default_factory=bytearray)

    def room(self, size: int) -> memoryview:
        self.inbox.largest_chunk = max(self.inbox.largest_chunk, size)
        self.piece = bytearray(min(size, 1000))
        return memoryview(self.piece)

    def filled(self, count: int) -> None:
        self.content += self.piece[:count]

    def head(self) -> memoryview:
        return memoryview(bytes(self.content[:4096]))

    def commit(self) -> Stored:
        self.inbox.objects.append((self.announced, bytes(self.content)))
        return Stored(self.announced, f"memory:{len(self.inbox.objects)}", "memory", len(self.inbox.objects))

    def discard(self) -> None:
        self.inbox.discarded += 1
