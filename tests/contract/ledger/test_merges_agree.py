"""Random merges, unlinks and corrections: facts and ledger give the answer of a slow and obvious reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from services.lab_consumer.adapters import database
from services.lab_consumer.handlers import linking
from services.results.ledger.database import reading
from services.results.ledger.identities import Links
from services.results.ledger.ledger import Ledger
from shared.domain.governance import PatientChange, PatientChangeKind
from shared.domain.identity import PatientIdentity
from tests.contract.lab_consumer.conftest import Laboratory
from tests.contract.ledger.conftest import KEYS
from tests.contract.ledger.steps import studied

pytestmark = [pytest.mark.contract, pytest.mark.timeout(400)]

M, U, C = PatientChangeKind.MERGE, PatientChangeKind.UNLINK, PatientChangeKind.CORRECTION
PEOPLE = range(4)
EVENTS = some.lists(
    some.tuples(some.sampled_from([M, M, U, C]), some.sampled_from(PEOPLE), some.sampled_from(PEOPLE)).filter(
        lambda one: one[1] != one[2]
    ),
    max_size=7,
)
WORLDS = iter(range(10**6))


@dataclass
class Reference:
    """Who was merged into whom, and whose images nobody asks about any more."""

    into: dict[int, int] = field(default_factory=dict)
    open: set[int] = field(default_factory=lambda: set(PEOPLE))

    def end(self, one: int) -> int:
        for _ in PEOPLE:
            one = self.into.get(one, one)
        return one

    def happens(self, kind: PatientChangeKind, one: int, other: int) -> None:
        if kind is C:
            self.open = {image for image in self.open if one not in (image, self.end(image))}
        if kind is M and self._passes(other, one):
            self.into.pop(other)
        if kind is M:
            self.into[one] = other
        if kind is U:
            self.into.pop(one, None)

    def _passes(self, start: int, through: int) -> bool:
        while start in self.into:
            start = self.into[start]
            if start == through:
                return True
        return False


@pytest.fixture
def facts(tmp_path: Path) -> Iterator[Laboratory]:
    engine = database.open_engine(f"sqlite:///{tmp_path / 'facts.sqlite'}")
    database.migrate(engine)
    yield Laboratory(engine)
    engine.dispose()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EVENTS)
@example([(M, 0, 1), (M, 1, 2), (M, 1, 0)])
@example([(M, 0, 1), (M, 1, 2), (M, 2, 0), (U, 1, 2)])
@example([(M, 0, 1), (M, 1, 2), (M, 1, 3), (C, 0, 3)])
def test_whatever_happens_both_agree_with_the_reference_and_nobody_is_in_a_circle(
    ledger: Ledger, clock: Any, facts: Laboratory, events: list[tuple[PatientChangeKind, int, int]]
) -> None:
    world, reference = next(WORLDS), Reference()
    who = [PatientIdentity("hospital", f"W{world}-{one}") for one in PEOPLE]
    for one in PEOPLE:
        studied(ledger, clock, 10 * world + one + 1, identity=who[one])
    for number, (kind, one, other) in enumerate(events):
        reference.happens(kind, one, other)
        with facts.store.writing() as writing:
            if kind is M:
                linking.merge(writing, who[one], who[other], "MSG")
            else:
                linking.record(writing, PatientChange(kind, who[one], who[other], "MSG"))
        clock.forward(seconds=1)
        ledger.patients.change(f"{world}-{number}", PatientChange(kind, who[one], who[other], "MSG"), clock())

    ends = [who[reference.end(one)] for one in PEOPLE]
    with facts.store.writing() as writing, reading(ledger.engine) as connection:
        assert [writing.surviving(one) for one in who] == ends
        assert [Links(connection, KEYS).surviving(one) for one in who] == ends
    asked = [due.study for due in ledger.collecting.due(clock(), 1000) if due.study.identity in who]
    under = {int(study.study_instance_uid.rpartition(".")[2]) - 10 * world - 1: study.identity for study in asked}
    assert (under, len(asked)) == ({one: ends[one] for one in reference.open}, len(reference.open))
