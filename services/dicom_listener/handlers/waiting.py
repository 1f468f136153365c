"""What came in and was not judged yet: a fair queue over associations whose memory does not grow with it.

Of each association only the first few objects are held; what follows is remembered as a span of its segment and read
back from there. The objects themselves are on disk all the time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import islice, takewhile
from threading import Lock
from urllib.parse import parse_qs, urlsplit

from services.dicom_listener.handlers.watch import StudyWatch
from services.dicom_listener.ports.inbox import Stored
from services.dicom_listener.ports.stores import Segments
from shared.domain.errors import OutOfResourcesError
from shared.domain.refusals import Cause

HOLD = 256
"""Objects of one association held in memory."""
BATCH = 16
"""Objects judged in one go."""
BATCH_BYTES = 64 << 20
"""Bytes judged in one go; a larger object is judged alone."""
PAUSE_S = 0.05
"""An association that stored nothing for this time is not in a hurry."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One object, and when it came."""

    stored: Stored
    at: float

    @property
    def size(self) -> int:
        """Return its length in bytes."""
        return int(parse_qs(urlsplit(self.stored.uri).query)["length"][0])


@dataclass(frozen=True, slots=True)
class Batch:
    """Objects of one association, in order, that one judge has in hand."""

    association: int
    objects: tuple[Waiting, ...]


@dataclass(slots=True)
class _Span:
    """Objects that are read back from their segment."""

    segment: str
    start: int
    """A record boundary."""
    end: int | None
    """Behind the last of them; None: to the end of the segment."""
    at: float
    count: int


@dataclass(slots=True)
class _Line:
    """One association."""

    sender: str
    held: deque[Waiting] = field(default_factory=deque)
    spans: deque[_Span] = field(default_factory=deque)
    in_hand: tuple[Waiting, ...] = ()
    ended: tuple[float, bool] | None = None
    """When, and whether it was released in order."""

    @property
    def count(self) -> int:
        return len(self.held) + len(self.in_hand) + sum(span.count for span in self.spans)

    @property
    def since(self) -> float | None:
        """When the oldest thing came that is not judged."""
        if self.in_hand:
            return self.in_hand[0].at
        if self.held:
            return self.held[0].at
        if self.spans:
            return self.spans[0].at
        return self.ended[0] if self.ended else None


class WaitingObjects:
    """Implements ``ports.inbox.Arrivals``. Thread-safe: many doors put in, one judge takes out."""

    def __init__(
        self, segments: Segments, watch: StudyWatch, ticks: Callable[[], float], hold_back_s: float = 0.0
    ) -> None:
        """``hold_back_s``: so long may an association store without a pause before its objects are judged.

        Doors come first: a sender waits for every answer, and nobody waits for a judgement in the middle of a study.
        """
        self._segments, self._watch, self._ticks, self._hold_back_s = segments, watch, ticks, hold_back_s
        self._lock = Lock()
        self._lines: dict[int, _Line] = {}
        self._turns: deque[int] = deque()
        """Associations with something to judge; each has one turn at a time."""
        self.unreadable: set[str] = set()
        """Segments that could not be read at the start; their objects wait for the next one."""

    def opened(self, association: int, sender: str) -> None:
        """An association was accepted."""
        with self._lock:
            self._lines[association] = _Line(sender)
        self._watch.opened(association, sender, self._ticks())

    def stored(self, stored: Stored) -> None:
        """An object is on disk and waits."""
        with self._lock:
            line = self._lines[stored.announced.association]
            _append(line, Waiting(stored, self._ticks()))
            self._give_turn(stored.announced.association, line)

    def refused(self, association: int, cause: Cause) -> None:  # noqa: ARG002 - any refusal is the same evidence
        """An object was refused at the door."""
        self._watch.refused(association)

    def ended(self, association: int, *, released: bool) -> None:
        """The association is over; that is heard once everything it brought was judged."""
        with self._lock:
            line = self._lines.get(association)
            if line:
                line.ended = (self._ticks(), released)
        self._end_if_judged(association)

    def recover(self, association: int, segment: str, start: int) -> None:
        """Judge what a crash left of ``segment`` from ``start`` on, as of an association that was cut."""
        at = self._ticks()
        with self._lock:
            line = self._lines[association] = _Line("", ended=(at, False))
            line.spans.append(_Span(segment, start, None, at, 1))
            self._give_turn(association, line)

    def take(self) -> Batch | None:
        """Return the next objects of the association whose turn it is; ``done`` or ``put_back`` must follow.

        Raises:
            TemporaryError: If they cannot be read back; they wait on.
        """
        while True:
            with self._lock:
                association = next(filter(self._is_ripe, self._turns), None)
                if association is None:
                    return None
                self._turns.remove(association)
                line = self._lines[association]
            try:
                self._fill(association, line)
            finally:
                batch = self._hand_out(association, line)
            if batch:
                return batch
            self._end_if_judged(association)

    def done(self, batch: Batch) -> None:
        """Everything in the batch was judged and recorded."""
        with self._lock:
            self._lines[batch.association].in_hand = ()
            self._give_turn(batch.association, self._lines[batch.association])
        self._end_if_judged(batch.association)

    def put_back(self, batch: Batch) -> None:
        """The batch could not be judged; it waits on, before everything behind it."""
        with self._lock:
            line = self._lines[batch.association]
            line.in_hand = ()
            line.held.extendleft(reversed(batch.objects))
            self._give_turn(batch.association, line)

    def backlog(self) -> int:
        """Return how many objects wait (what a crash left counts as one per segment)."""
        with self._lock:
            return sum(line.count for line in self._lines.values())

    def readable(self) -> str:
        """Health check: whether every segment could be read."""
        if not self.unreadable:
            return ""
        return (
            f"{len(self.unreadable)} segments of the inbox cannot be read; repair the disk or the files' permissions "
            "and start the listener anew"
        )

    def since(self) -> float | None:
        """Return when the oldest thing came that was not judged (an object, or an end); None where nothing waits."""
        with self._lock:
            return min((line.since for line in self._lines.values() if line.since is not None), default=None)

    def _give_turn(self, association: int, line: _Line) -> None:
        if (line.held or line.spans) and not line.in_hand and association not in self._turns:
            self._turns.append(association)

    def _is_ripe(self, association: int) -> bool:
        line = self._lines[association]
        if line.ended or not line.held:
            return True
        now = self._ticks()
        pause = min(PAUSE_S, self._hold_back_s)
        return now - line.held[-1].at >= pause or now - line.held[0].at >= self._hold_back_s

    def _hand_out(self, association: int, line: _Line) -> Batch | None:
        with self._lock:
            line.in_hand = _cut(line.held)
            if not line.in_hand:
                self._give_turn(association, line)
                return None
            return Batch(association, line.in_hand)

    def _fill(self, association: int, line: _Line) -> None:
        """Read the first span back where nothing else is held; only the judge removes spans."""
        if line.held or not line.spans:
            return
        span = line.spans[0]
        found = self._read_back(span)
        with self._lock:
            _shorten(line, span, found)
            own = [_of(association, stored) for stored in found]
            line.held.extendleft(Waiting(stored, span.at) for stored in reversed(own))
        if found and not line.sender:
            line.sender = next((one.announced.sender for one in found if not one.damage), "(unreadable)")
            self._watch.opened(association, line.sender, span.at)

    def _read_back(self, span: _Span) -> list[Stored]:
        try:
            records = self._segments.scan(span.segment, span.start, span.end or 0)
            return list(islice(takewhile(lambda one: span.end is None or one.start < span.end, records), HOLD))
        except OSError as error:
            raise OutOfResourcesError("the inbox cannot be read") from error

    def _end_if_judged(self, association: int) -> None:
        with self._lock:
            line = self._lines.get(association)
            if line is None or line.ended is None or line.held or line.spans or line.in_hand:
                return
            del self._lines[association]
            at, released = line.ended
        self._watch.ended(association, released=released, at=at)


def _append(line: _Line, waiting: Waiting) -> None:
    """Hold the object, or have it read back later where enough are held."""
    stored = waiting.stored
    if not line.spans and len(line.held) < HOLD:
        line.held.append(waiting)
        return
    last = line.spans[-1] if line.spans else None
    if last and last.segment == stored.segment:
        last.end, last.count = stored.end, last.count + 1
    else:
        line.spans.append(_Span(stored.segment, _start_of(stored, line), stored.end, waiting.at, 1))


def _start_of(stored: Stored, line: _Line) -> int:
    """Return the record boundary before ``stored``: behind what is held of its segment, else its beginning."""
    before = line.held[-1].stored if line.held else None
    return before.end if before and before.segment == stored.segment else 0


def _shorten(line: _Line, span: _Span, found: list[Stored]) -> None:
    """Take what was read back out of the span; behind the last it holds, the span is gone."""
    if not found or (span.end is not None and found[-1].end >= span.end) or (span.end is None and len(found) < HOLD):
        line.spans.popleft()
    else:
        span.start, span.count = found[-1].end, max(1, span.count - len(found))


def _cut(held: deque[Waiting]) -> tuple[Waiting, ...]:
    """Take the next batch."""
    batch: list[Waiting] = []
    size = 0
    while held and len(batch) < BATCH and (not batch or size + held[0].size <= BATCH_BYTES):
        size += held[0].size
        batch.append(held.popleft())
    return tuple(batch)


def _of(association: int, stored: Stored) -> Stored:
    """Return ``stored`` under the number its association has now."""
    return replace(stored, announced=replace(stored.announced, association=association))
