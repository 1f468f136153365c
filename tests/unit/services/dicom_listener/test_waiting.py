"""Doors come first: when what an association brought is judged, and that it is not put off without end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from services.dicom_listener.handlers.waiting import PAUSE_S, WaitingObjects
from services.dicom_listener.handlers.watch import StudyWatch
from services.dicom_listener.ports.inbox import Announced, Stored

HOLD_BACK_S = 2.0


@dataclass
class NoSegments:
    """Nothing has to be read back here."""

    def names(self) -> tuple[str, ...]:
        return ()

    def scan(self, segment: str, from_offset: int = 0, known_end: int = 0) -> Iterator[Stored]:
        return iter(())


@dataclass
class Queue:
    """Waiting objects under a clock that a test moves."""

    now: float = 100.0
    count: int = 0
    waiting: WaitingObjects = field(init=False)

    def __post_init__(self) -> None:
        self.waiting = WaitingObjects(NoSegments(), StudyWatch(self.ticks), self.ticks, HOLD_BACK_S)

    def ticks(self) -> float:
        return self.now

    def put(self, association: int = 1) -> None:
        self.count += 1
        announced = Announced("1.2", f"1.2.3.{self.count}", "1.2.840.10008.1.2.1", "PACS", association)
        self.waiting.stored(Stored(announced, "file:///a.seg?offset=4096&length=10", "a.seg", 4096 * self.count))

    def taken(self) -> int:
        batch = self.waiting.take()
        return len(batch.objects) if batch else 0


@pytest.fixture
def queue() -> Queue:
    found = Queue()
    found.waiting.opened(1, "PACS")
    return found


def test_an_association_that_stores_on_and_on_is_not_judged_at_once(queue: Queue) -> None:
    for _ in range(3):
        queue.put()
        queue.now += PAUSE_S / 2

    assert queue.taken() == 0
    assert queue.waiting.backlog() == 3


def test_a_pause_lets_it_be_judged(queue: Queue) -> None:
    queue.put()
    queue.now += 2 * PAUSE_S

    assert queue.taken() == 1


def test_its_end_lets_it_be_judged_at_once(queue: Queue) -> None:
    queue.put()
    queue.waiting.ended(1, released=True)

    assert queue.taken() == 1


def test_it_is_judged_without_a_pause_once_the_first_object_has_waited_long_enough(queue: Queue) -> None:
    end = queue.now + HOLD_BACK_S
    while queue.now < end:
        queue.put()
        queue.now += PAUSE_S / 2

    assert queue.taken() > 0


def test_one_in_a_hurry_does_not_hold_up_another(queue: Queue) -> None:
    queue.waiting.opened(2, "CT")
    queue.put(2)
    queue.now += 2 * PAUSE_S
    queue.put(1)

    batch = queue.waiting.take()

    assert batch is not None
    assert batch.association == 2
    assert queue.taken() == 0
