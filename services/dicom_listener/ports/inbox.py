"""Where doors put what comes in: durable first, judged afterwards.

Every DICOM door (the two C-STORE servers and STOW-RS) writes an object into an ``Incoming``, calls ``commit`` and only
then answers Success. What an object says is judged later, in the order in which an association brought it; until then
nothing rests on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from shared.domain.refusals import Cause


@dataclass(frozen=True, slots=True)
class Announced:
    """What the sender said an object is, before a byte of it was read."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax: str
    sender: str
    """Calling AE title, or the name of a STOW-RS client."""
    association: int
    """Number of the association (or HTTP request), unique while the process lives."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object that is on disk: a DICOM file (PS3.10) inside a segment of the inbox."""

    announced: Announced
    uri: str
    """``file:///.../NAME.seg?offset=O&length=L``; ``shared.storage.blobs.LocalBlobs`` reads it."""
    segment: str
    """Name of the segment."""
    end: int
    """Offset behind the record in its segment: everything before it came earlier."""
    received: str = ""
    """When: ISO 8601 in UTC with microseconds, of which a process gives every object another, later one."""
    damage: str = ""
    """Why it cannot be used, where its record is not as it was written; one clause without identifying data."""

    @property
    def start(self) -> int:
        """Offset of its first byte in the segment."""
        return int(parse_qs(urlsplit(self.uri).query)["offset"][0])

    @property
    def size(self) -> int:
        """Length of the file in bytes."""
        return int(parse_qs(urlsplit(self.uri).query)["length"][0])


class Incoming(Protocol):
    """One object on its way in; used by one thread. Nothing of it counts before ``commit`` has returned."""

    def room(self, size: int) -> memoryview:
        """Return writable memory for the next bytes of the data set: at least one, at most ``size``.

        Raises:
            OutOfResourcesError: If the disk refuses.
        """
        ...

    def filled(self, count: int) -> None:
        """Say that ``count`` bytes of the last ``room`` hold data."""
        ...

    def head(self) -> memoryview:
        """Return the first bytes of the data set as received so far (as many as are still in memory)."""
        ...

    def commit(self) -> Stored:
        """Return once the object and its record are on disk.

        Raises:
            OutOfResourcesError: If the disk refuses; nothing was stored.
        """
        ...

    def discard(self) -> None:
        """Forget it: the association was cut, or the object was refused."""
        ...


class Inlet(Protocol):
    """One sender's way into the inbox, used by one thread; the owner closes it."""

    def begin(self, announced: Announced) -> Incoming:
        """Begin an object.

        Raises:
            OutOfResourcesError: If the disk is below its watermark or refuses.
        """
        ...

    def close(self) -> None:
        """End it; what is committed stays."""
        ...


class Inbox(Protocol):
    """The durable store behind every door."""

    def open(self, association: int, sender: str) -> Inlet:
        """Return a way in for one association.

        Raises:
            OutOfResourcesError: If the disk refuses.
        """
        ...


class Gatekeeper(Protocol):
    """Whether a door may let anybody in at all, asked before a byte of an object is read."""

    def refusal(self, sender: str) -> Cause | None:
        """Return why not (disk below its watermark, ledger unreachable, stopping), or None."""
        ...


class Arrivals(Protocol):
    """What every door tells, in the order in which it happened to one association; each call returns at once."""

    def opened(self, association: int, sender: str) -> None:
        """An association was accepted."""
        ...

    def stored(self, stored: Stored) -> None:
        """An object is on disk and waits to be judged."""
        ...

    def refused(self, association: int, cause: Cause) -> None:
        """An object was refused: what this association brought is not known to be all."""
        ...

    def ended(self, association: int, *, released: bool) -> None:
        """The association is over: released in order, or cut."""
        ...
