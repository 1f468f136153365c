"""Whose slide it is: orders, manifests, labels; and what happens where they do not agree."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.errors import InvalidInputError
from shared.domain.identity import PatientIdentity
from shared.domain.slide_orders import OrderStatus
from shared.domain.slides import ResolutionSource, Specimen
from tests.contract.slide_ingestion.conftest import MRN1, SAID, SETTLE_S, START, Room, order


def test_a_slide_with_a_manifest_becomes_a_case(room: Room) -> None:
    room.drop("a.svs", **SAID)
    room.settle()

    (study,) = [study for _, study in room.ledger.studies]
    assert room.states == ["submitted"]
    assert study.identity == MRN1
    assert study.slide
    assert study.slide.specimen == Specimen("S26-1", "A", "1", "3")
    assert study.slide.container == "S26-1-A-1-3"
    assert study.slide.resolution
    assert study.slide.resolution.source is ResolutionSource.VENDOR
    assert (study.slide.stain, study.slide.tissue, study.slide.after_therapy) == ("he", "breast", False)
    assert study.instances[0].content_digest == study.slide.digest
    assert study.study_instance_uid.startswith("2.25.")


def test_without_an_order_a_slide_is_held_and_its_name_says_nothing(room: Room) -> None:
    room.record(order())
    room.drop("S26-1-A-1-3.svs")
    room.settle()

    assert room.states == ["held"]
    assert "no order" in room.rows[0].reason
    assert room.told == []


def test_an_order_that_comes_after_the_slide_is_found_by_the_barcode(room: Room) -> None:
    room.drop("a.svs", "BARCODE S26-1-A-1-3")
    room.drop("b.svs", "BARCODE S26-2-A-1-1")
    room.settle()
    assert room.states == ["held", "held"]

    room.record(order(placer="P-77", placer_authority=("LIS", "", "")))
    room.work()

    assert room.states == ["submitted", "held"]
    (told,) = room.told
    assert (told.order_id, told.placer, told.placer_authority) == ("hl7:1", "P-77", ("LIS", "", ""))


def test_an_order_that_was_there_before_is_found_by_the_barcode(room: Room) -> None:
    room.record(order())
    room.drop("a.svs", "BARCODE S26-1-A-1-3")
    room.settle()

    assert room.states == ["submitted"]


def test_a_barcode_that_says_something_else_than_the_manifest_holds_the_slide(room: Room) -> None:
    room.drop("a.svs", "BARCODE S26-9-A-1-1", **SAID)
    room.settle()

    assert room.states == ["held"]
    assert "barcode" in room.rows[0].reason
    assert [kind for kind, _ in room.ledger.notices] == ["slide_held"]
    assert room.told == []


def test_a_barcode_that_says_something_else_than_an_order_that_was_there_before_holds_the_slide(room: Room) -> None:
    room.record(order())
    without = {name: value for name, value in SAID.items() if name != "container"}
    room.drop("a.svs", "BARCODE S26-9-A-1-1", **without)
    room.settle()

    assert room.states == ["held"]
    assert "barcode" in room.rows[0].reason
    assert room.told == []


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("patient_id", "MRN2", "identity"),
        ("accession", "S26-2", "accession"),
        ("block", "2", "block"),
        ("stain", "ihc", "stain"),
        ("after_therapy", True, "after therapy"),
    ],
)
def test_an_order_and_a_manifest_that_differ_hold_the_slide(room: Room, field: str, value: object, named: str) -> None:
    room.record(order())
    room.drop("a.svs", **(SAID | {field: value}))
    room.settle()

    assert room.states == ["held"]
    assert named in room.rows[0].reason
    assert "MRN2" not in room.rows[0].reason
    assert room.told == []


def test_a_manifest_that_only_names_the_container_takes_the_rest_from_the_order(room: Room) -> None:
    room.drop("a.svs", container="S26-1-A-1-3")
    room.settle()
    assert room.states == ["held"]

    room.record(order())
    room.work()

    assert room.states == ["submitted"]
    assert room.told[0].specimen.accession == "S26-1"


def test_a_slide_is_found_by_accession_and_number_where_there_is_no_barcode(room: Room) -> None:
    room.record(order(container=""))
    room.drop("a.svs", accession="S26-1", specimen="A", block="1", slide="3")
    room.settle()

    assert room.states == ["submitted"]
    assert room.told[0].order_id == "hl7:1"


def test_a_manifest_with_an_issuer_nobody_knows_orders_nothing(room: Room) -> None:
    room.drop("a.svs", **(SAID | {"issuer": "ELSEWHERE"}))
    room.settle()

    assert room.states == ["held"]
    assert "authority" in room.rows[0].reason


def test_an_order_withdrawn_takes_the_case_back(room: Room) -> None:
    room.record(order())
    room.drop("a.svs", container="S26-1-A-1-3")
    room.settle()

    withdrawn = order(version="2", status=OrderStatus.WITHDRAWN, reason="wrong block",
                      recorded_time=START + timedelta(hours=1))  # fmt: skip
    room.record(withdrawn)
    room.work()

    assert room.states == ["held"]
    assert [one.taken_back for one in room.told] == ["", "its order was withdrawn: wrong block"]


def test_a_withdrawn_order_ends_what_a_manifest_says_too(room: Room) -> None:
    room.drop("a.svs", **SAID)
    room.settle()
    room.record(order(status=OrderStatus.WITHDRAWN))
    room.work()

    assert room.told[-1].taken_back
    room.record(order(version="2", recorded_time=START + timedelta(hours=1)))
    room.work()

    assert room.states == ["submitted"]
    assert room.told[-1].taken_back == ""


def test_an_older_version_of_an_order_changes_nothing(room: Room) -> None:
    room.record(order(version="2", recorded_time=START + timedelta(hours=1)))
    room.record(order(version="1", status=OrderStatus.WITHDRAWN))
    room.drop("a.svs", container="S26-1-A-1-3")
    room.settle()

    assert room.states == ["submitted"]


def test_a_corrected_patient_is_the_same_case_corrected(room: Room) -> None:
    room.record(order())
    room.drop("a.svs", container="S26-1-A-1-3")
    room.settle()
    other = PatientIdentity("hospital", "MRN2")
    room.record(order(version="2", identity=other, recorded_time=START + timedelta(hours=1)))
    room.work()

    (first, second) = [study for _, study in room.ledger.studies]
    assert first.study_instance_uid == second.study_instance_uid
    assert second.identity == other
    assert first.instances[0].content_digest == second.instances[0].content_digest
    assert first.instances[0].identity_digest != second.instances[0].identity_digest


def test_another_accession_takes_the_first_case_back_and_opens_another(room: Room) -> None:
    room.record(order(container=""))
    room.drop("a.svs", accession="S26-1", specimen="A", block="1", slide="3")
    room.settle()
    room.say("a.svs", accession="S26-5", specimen="A", block="1", slide="3", patient_id="MRN1", issuer="HOSP")
    room.settle()

    first, back, second = [study for _, study in room.ledger.studies]
    assert back.study_instance_uid == first.study_instance_uid != second.study_instance_uid
    assert [one.taken_back != "" for one in room.told] == [False, True, False]


def test_a_manifest_that_cannot_be_read_holds_the_slide_and_says_why(room: Room) -> None:
    room.drop("a.svs", **(SAID | {"pateint_id": "MRN1"}))
    room.settle()

    assert room.states == ["held"]
    assert "unknown field" in room.rows[0].reason
    assert room.ledger.notices[0][0] == "slide_held"


def test_the_same_order_twice_is_recorded_once(room: Room) -> None:
    room.drop("a.svs", container="S26-1-A-1-3")
    room.settle()
    room.record(order())
    room.record(order())
    room.work()

    assert len(room.ledger.studies) == 1


def test_a_barcode_is_compared_a_few_orders_at_a_time_and_others_are_not_held_up(room: Room) -> None:
    for number in range(9):
        other = order(f"hl7:9{number}", container=f"X{number}", specimen=Specimen("S26-9", "A", "1", str(number)))
        room.record(other)
    room.drop("a.svs", "BARCODE X0")
    room.drop("b.svs", **SAID)
    room.look()
    room.wait(SETTLE_S + 1)
    room.look()
    for _ in range(2):
        room.wait(1)
        room.check()
    assert room.states == ["checking", "submitted"]

    room.work()
    assert room.states == ["submitted", "submitted"]
    assert {one.order_id for one in room.told if one.container == "X0"} == {"hl7:90"}


def test_what_results_refuses_for_good_is_told_to_a_person_and_not_tried_for_ever(room: Room) -> None:
    room.ledger.refuse = InvalidInputError("study", "no")
    room.drop("a.svs", **SAID)
    room.settle()

    assert room.outbox.waiting() == 0
    assert [kind for kind, _ in room.ledger.notices] == ["slide_not_taken"]
