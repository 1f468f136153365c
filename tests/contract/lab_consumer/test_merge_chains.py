"""Merges over several steps, circles of them, and the order in which results hears of it; on both databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from services.lab_consumer.handlers.announce import AnnounceDue
from shared.domain.errors import OncoRelayError, UnavailableError
from shared.domain.governance import PatientChange
from shared.domain.identity import PatientIdentity
from shared.domain.pauses import Pauses
from shared.domain.study import Study
from shared.testing.fhir_resources import patient
from tests.contract.lab_consumer.conftest import MRN1, Laboratory
from tests.contract.lab_consumer.test_patient_changes import MRN2, changes, link, two, values

pytestmark = pytest.mark.contract

MRN3 = PatientIdentity("hospital", "MRN3")


def seen(lab: Laboratory) -> list[list[str]]:
    return [values(lab, one) for one in (MRN1, MRN2, MRN3)]


@pytest.fixture
def chained(lab: Laboratory) -> Laboratory:
    """MRN1, who has the receptor, merged into MRN2, and that one into MRN3."""
    two(lab)
    lab.post(patient("MRN3", found="p3"), patient(link=link("p2")), patient("MRN2", found="p2", link=link("p3")))
    return lab


def test_an_unlink_inside_a_chain_gives_the_facts_back(chained: Laboratory) -> None:
    assert seen(chained) == [[], [], ["positive"]]
    chained.post(patient())

    assert seen(chained) == [["positive"], [], []]
    assert changes(chained)[-1] == ("unlink", "MRN1", "MRN2")


def test_a_merge_that_closes_a_circle_first_frees_the_one_that_survives(chained: Laboratory) -> None:
    chained.post(patient("MRN3", found="p3", link=link("p1")))

    assert seen(chained) == [["positive"], [], []]
    assert changes(chained)[2:] == [("unlink", "MRN1", "MRN2"), ("merge", "MRN3", "MRN1")]


def test_a_merge_turned_round_in_the_middle_of_a_chain_leaves_nobody_in_a_circle(chained: Laboratory) -> None:
    chained.post(patient("MRN2", found="p2", link=link("p1")), patient())

    assert seen(chained) == [["positive"], [], []]


@dataclass
class Unwell:
    """Results that take nothing in their first calls."""

    fails: list[OncoRelayError]
    heard: list[str] = field(default_factory=list)

    def announce_facts(self, request_id: str, identity: PatientIdentity) -> int:
        self.heard.append("facts")
        return 0

    def submit_panel(self, request_id: str, panel: Study) -> tuple[str, ...]:
        self.heard.append("panel")
        return ()

    def report_patient_change(
        self, request_id: str, change: PatientChange, sequence: int = 0, previous: int = 0
    ) -> tuple[int, int]:
        if self.fails:
            raise self.fails.pop()
        self.heard.append(change.kind.value)
        return 0, 0


def announcing(lab: Laboratory, results: Unwell, pause_s: float) -> Callable[[], int]:
    return AnnounceDue(lab.outbox, results, Pauses(pause_s, pause_s), lab.now, lambda row, error: None)


@pytest.mark.parametrize("pause_s", [0.0, 3600.0])
def test_after_one_failure_nothing_overtakes_a_change_of_patients_not_even_facts(
    lab: Laboratory, pause_s: float
) -> None:
    two(lab)
    lab.post(patient(link=link("p2")), patient())
    results = Unwell([UnavailableError("results")])
    announce = announcing(lab, results, pause_s)
    announce()
    assert results.heard == []
    announce()

    if pause_s:
        assert results.heard == []
    else:
        assert results.heard == ["merge", "unlink", "facts", "facts"]
