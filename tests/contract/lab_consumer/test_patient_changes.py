"""Patient.link and changed identifiers at the FHIR door, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.lab_consumer.handlers.announce import TELL_AFTER, AnnounceDue
from services.lab_consumer.handlers.questions import ListRefusals
from shared.codes import snomed
from shared.domain.errors import UnavailableError
from shared.domain.facts import FactName
from shared.domain.governance import PatientChange, PatientChangeKind
from shared.domain.identity import PatientIdentity
from shared.domain.pauses import Pauses
from shared.domain.study import Study
from shared.testing.fhir_resources import ER, observation, patient
from tests.contract.lab_consumer.conftest import MRN1, Laboratory

pytestmark = pytest.mark.contract

MRN2 = PatientIdentity("hospital", "MRN2")
ER_NAME = FactName.ESTROGEN_RECEPTOR
POSITIVE = snomed.code("10828004", "Positive")


def receptor(found: str = "er", owner: str = "p1") -> dict[str, Any]:
    return observation(found, ER, POSITIVE, effectiveDateTime="2026-02-01", subject={"reference": f"Patient/{owner}"})


def link(other: str, kind: str = "replaced-by") -> list[dict[str, Any]]:
    return [{"other": {"reference": f"Patient/{other}"}, "type": kind}]


def changes(lab: Laboratory) -> list[tuple[str, str, str]]:
    due = lab.outbox.changes_due(lab.now() + timedelta(days=1))
    return [
        (row.change.kind.value, row.change.from_identity.identifier,
         row.change.to_identity.identifier if row.change.to_identity else "")
        for row in due
    ]  # fmt: skip


def two(lab: Laboratory) -> None:
    lab.post(patient(), receptor(), patient("MRN2", found="p2"))


def values(lab: Laboratory, identity: PatientIdentity) -> list[str]:
    return [fact.value for fact in lab.facts(identity=identity).named(ER_NAME)]


@pytest.mark.parametrize(("carrier", "kind"), [("p1", "replaced-by"), ("p2", "replaces")])
def test_the_facts_of_a_merged_patient_are_seen_under_the_surviving_one(
    lab: Laboratory, carrier: str, kind: str
) -> None:
    two(lab)
    before = lab.now()
    other = "p2" if carrier == "p1" else "p1"
    mrn = "MRN1" if carrier == "p1" else "MRN2"
    lab.post(patient(mrn, found=carrier, link=link(other, kind)))

    assert (values(lab, MRN1), values(lab, MRN2)) == ([], ["positive"])
    assert [fact.value for fact in lab.facts(before).named(ER_NAME)] == ["positive"]
    assert lab.facts(identity=MRN2).patient_reference == "Patient/p2"
    assert changes(lab) == [("merge", "MRN1", "MRN2")]


def test_what_comes_later_about_the_merged_patient_is_the_survivors(lab: Laboratory) -> None:
    lab.post(patient(), patient("MRN2", found="p2"), patient(link=link("p2")), receptor())

    assert (values(lab, MRN1), values(lab, MRN2)) == ([], ["positive"])


def test_a_link_that_came_before_the_other_patient_is_followed_when_she_comes(lab: Laboratory) -> None:
    lab.post(patient(link=link("p2")), receptor())
    assert values(lab, MRN1) == ["positive"]
    lab.post(patient("MRN2", found="p2"))

    assert (values(lab, MRN1), values(lab, MRN2)) == ([], ["positive"])
    assert changes(lab) == [("merge", "MRN1", "MRN2")]


def test_a_link_that_is_taken_back_parts_the_records_again(lab: Laboratory) -> None:
    two(lab)
    lab.post(patient(link=link("p2")), patient())

    assert (values(lab, MRN1), values(lab, MRN2)) == (["positive"], [])
    assert changes(lab) == [("merge", "MRN1", "MRN2"), ("unlink", "MRN1", "MRN2")]


def test_a_link_both_sides_state_parts_only_when_both_have_taken_it_back(lab: Laboratory) -> None:
    two(lab)
    lab.post(patient(link=link("p2")), patient("MRN2", found="p2", link=link("p1", "replaces")), patient())
    assert values(lab, MRN2) == ["positive"]
    lab.post(patient("MRN2", found="p2"))

    assert values(lab, MRN1) == ["positive"]
    assert [row[0] for row in changes(lab)] == ["merge", "unlink"]


@pytest.mark.parametrize("kind", ["refer", "seealso"])
def test_links_that_only_point_join_nothing_and_the_answer_says_so(lab: Laboratory, kind: str) -> None:
    two(lab)
    (answer,) = lab.post(patient(link=link("p2", kind)))

    assert (values(lab, MRN1), changes(lab)) == (["positive"], [])
    assert "joins no records" in answer.issues[-1].text


def test_a_changed_identifier_is_a_correction_and_names_the_message(lab: Laboratory) -> None:
    lab.post(patient(), receptor(), patient("MRN2", meta={"versionId": "7"}))

    assert (values(lab, MRN1), values(lab, MRN2)) == ([], ["positive"])
    (row,) = lab.outbox.changes_due(lab.now())
    assert row.change == PatientChange(PatientChangeKind.CORRECTION, MRN1, MRN2, "Patient/p1 version 7")


def test_a_merge_turned_round_leaves_the_other_one_surviving(lab: Laboratory) -> None:
    two(lab)
    lab.post(patient(link=link("p2")))
    lab.post(patient(), patient("MRN2", found="p2", link=link("p1")))

    assert (values(lab, MRN1), values(lab, MRN2)) == (["positive"], [])


class Deaf:
    """Results that take nothing."""

    def announce_facts(self, request_id: str, identity: PatientIdentity) -> int:
        raise UnavailableError("results")

    def submit_panel(self, request_id: str, panel: Study) -> tuple[str, ...]:
        raise UnavailableError("results")

    def report_patient_change(self, request_id: str, change: PatientChange) -> tuple[int, int]:
        raise UnavailableError("results")


def test_a_change_results_does_not_take_stays_due_and_a_person_is_told_once(lab: Laboratory) -> None:
    two(lab)
    lab.post(patient(link=link("p2")))
    announce = AnnounceDue(lab.outbox, Deaf(), Pauses(0.0, 0.0), lab.now, lambda row, error: None)
    for _ in range(TELL_AFTER + 3):
        announce()

    assert changes(lab) == [("merge", "MRN1", "MRN2")]
    told = [row.reason for row in ListRefusals(lab.store)(0) if "a change of patients" in row.reason]
    assert told == [f"results has not taken a change of patients in {TELL_AFTER} tries; it is tried again"]
