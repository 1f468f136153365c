"""Who is let in while something is in trouble, and what a person is told about it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from services.dicom_listener.handlers.gate import Gate, LedgerPulse, Watermarks
from shared.domain.refusals import ANSWERS, Cause


@dataclass
class World:
    """Everything a gate looks at; all is well to begin with."""

    free: int = 1000 << 20
    backlog: int = 0
    ledger: bool = True
    journal: bool = True
    disk: bool = True
    now: float = 50.0
    gate: Gate = field(init=False)

    def __post_init__(self) -> None:
        marks = Watermarks(min_free_bytes=500 << 20, max_backlog=10, ledger_grace_s=30.0)
        pulse = LedgerPulse(lambda: self.ledger, lambda: self.now)
        self.gate = Gate(marks, self._free, lambda: self.backlog, pulse, lambda: self.journal)

    def _free(self) -> int:
        if not self.disk:
            raise OSError("input/output error")
        return self.free

    def after(self, seconds: float) -> Cause | None:
        self.now += seconds
        self.gate.ledger()
        return self.gate.refusal("PACS")

    def wrong(self) -> list[str]:
        return [name for name, check in self.gate.checks().items() if check()]


@pytest.fixture
def world() -> World:
    return World()


def test_all_is_well(world: World) -> None:
    assert world.after(3600) is None
    assert world.wrong() == []


@pytest.mark.parametrize(
    ("what", "value", "cause", "check"),
    [
        ("free", (500 << 20) - 1, Cause.OUT_OF_SPACE, "disk"),
        ("disk", False, Cause.OUT_OF_SPACE, "disk"),
        ("backlog", 11, Cause.OVERLOADED, "backlog"),
        ("journal", False, Cause.STORE_UNREACHABLE, "journal"),
    ],
)
def test_trouble_refuses_transiently_is_named_and_ends_without_a_hand(
    world: World, what: str, value: object, cause: Cause, check: str
) -> None:
    well = getattr(world, what)
    setattr(world, what, value)
    assert world.after(1) is cause
    assert ANSWERS[cause].transient
    assert world.wrong() == [check]
    setattr(world, what, well)

    assert world.after(1) is None
    assert world.wrong() == []


def test_a_short_absence_of_the_ledger_is_served_from_the_outbox_and_a_long_one_is_not(world: World) -> None:
    world.ledger = False
    assert world.after(30) is None
    assert world.after(1) is Cause.STORE_UNREACHABLE
    assert world.wrong() == ["ledger"]
    world.ledger = True

    assert world.after(0) is None


def test_a_ledger_that_was_never_there_has_the_same_grace(world: World) -> None:
    world.ledger = False

    assert world.after(29) is None
    assert world.after(2) is Cause.STORE_UNREACHABLE


def test_nobody_is_let_in_on_the_way_down(world: World) -> None:
    world.gate.stopping.set()

    assert world.after(1) is Cause.STOPPING
    assert ANSWERS[Cause.STOPPING].transient


def test_the_disk_counts_as_well_again_at_a_distance_from_its_mark(world: World) -> None:
    world.free = 499 << 20
    assert world.after(0) is Cause.OUT_OF_SPACE
    world.free = 505 << 20
    assert world.after(0) is Cause.OUT_OF_SPACE
    world.free = 551 << 20
    assert world.after(0) is None


def test_so_does_what_waits_to_be_judged(world: World) -> None:
    world.backlog = 11
    assert world.after(0) is Cause.OVERLOADED
    world.backlog = 10
    assert world.after(0) is Cause.OVERLOADED
    world.backlog = 9
    assert world.after(0) is None
