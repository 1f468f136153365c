"""What the FHIR door looks at before it reads anything."""

from __future__ import annotations

from services.lab_consumer.handlers.gate import Gate
from shared.domain.refusals import Cause


class World:
    free, database, results, now = 1000, True, True, 5.0

    def gate(self) -> Gate:
        return Gate(
            lambda: self.free,
            500,
            lambda: self.database,
            lambda: self.results,
            ledger_grace_s=30,
            ticks=lambda: self.now,
        )


def test_a_full_disk_counts_as_well_again_at_a_distance_from_its_mark() -> None:
    world = World()
    gate = world.gate()
    found = []
    for world.free in (501, 499, 501, 549, 551):
        found.append(gate.refusal())

    assert found == [None, Cause.OUT_OF_SPACE, Cause.OUT_OF_SPACE, Cause.OUT_OF_SPACE, None]


def test_results_may_be_silent_for_a_while() -> None:
    world = World()
    gate = world.gate()
    world.results, world.now = False, 30.0
    gate.ask_results()
    assert gate.refusal() is None

    world.now = 36.0
    gate.ask_results()
    assert gate.refusal() is Cause.STORE_UNREACHABLE

    world.results = True
    gate.ask_results()
    assert gate.refusal() is None


def test_nothing_is_taken_without_the_database() -> None:
    world = World()
    world.database = False

    assert world.gate().refusal() is Cause.STORE_UNREACHABLE
