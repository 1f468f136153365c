"""DICOM slides the listener hands over: one series one slide, whatever comes late, and whatever is gone."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from services.slide_ingestion.adapters.dicom_door import DicomDoor
from services.slide_ingestion.handlers.studies import DICOM_DOOR
from shared.domain.errors import UnavailableError
from shared.domain.identity import Demographics
from shared.domain.slide_orders import OrderStatus
from shared.domain.study import Completeness, CompletenessEvidence, Instance, Study
from shared.storage.blobs import LocalBlobs
from shared.storage.ranges import place_of
from tests.contract.slide_ingestion.conftest import MRN1, SAID, SETTLE_S, START, Room, order

UID = "1.2.840.99.7"
WSM = "1.2.840.10008.5.1.4.1.1.77.1.6"


@pytest.fixture
def blobs(room: Room) -> LocalBlobs:
    made = LocalBlobs(room.folder / "blobs")
    room.doors[DICOM_DOOR] = DicomDoor(made, room.folder / "cache" / "looked-into", 0)
    return made


def stored(blobs: LocalBlobs, text: str, series: int = 1, number: int = 1) -> Instance:
    uri, digest = blobs.put(f"{text}\n".encode())
    return Instance(f"{UID}.{series}.{number}", WSM, f"{UID}.{series}", "SM", digest, "0" * 64, uri)


def study(instances: Iterable[Instance]) -> Study:
    complete = Completeness(CompletenessEvidence.ASSOCIATION_RELEASED, "released in order", START)
    return Study(UID, MRN1, Demographics(), None, "", None, tuple(instances), complete, "PACS")


def test_each_container_of_a_study_is_a_case_of_its_own(room: Room, blobs: LocalBlobs) -> None:
    both = [stored(blobs, f"DICOM S26-1 C{number} A", series=number) for number in (1, 2)]
    assert room.take(study(both)) == 2
    room.work()

    assert room.states == ["submitted", "submitted"]
    assert [one.container for one in room.told] == ["C1", "C2"]
    assert {one.study_instance_uid for _, one in room.ledger.studies} == {UID}
    assert all(one.in_dicom for _, one in room.ledger.studies)
    assert list((room.folder / "cache" / "looked-into").iterdir()) == [], "nothing of the pixels is left behind"


def test_a_label_in_a_series_of_its_own_is_no_slide_and_alarms_nobody(room: Room, blobs: LocalBlobs) -> None:
    room.record(order(container="C1"))
    both = study([stored(blobs, "DICOM S26-1 C1 A"), stored(blobs, "BESIDE C1", series=2)])
    for _ in range(2):
        room.take(both)
        room.work()

    assert sorted(room.states) == ["refused", "submitted"]
    assert [one.container for one in room.told] == ["C1"]
    assert room.ledger.notices == []


def test_the_same_study_again_changes_nothing(room: Room, blobs: LocalBlobs) -> None:
    for _ in range(2):
        room.take(study([stored(blobs, "DICOM S26-1 C1 A")]))
        room.work()

    assert room.looker.asked == 1
    assert len(room.told) == 1


def test_a_barcode_is_compared_with_the_container_the_slide_itself_names(room: Room, blobs: LocalBlobs) -> None:
    room.take(study([stored(blobs, "DICOM S26-1 C1 A C2")]))
    room.work()
    assert room.states == ["held"]
    assert "barcode" in room.rows[0].reason
    assert room.told == []

    room.take(study([stored(blobs, "DICOM S26-1 C1 A C1")]))
    room.work()
    assert room.states == ["submitted"]


def test_a_study_that_grows_is_looked_into_again_and_what_a_person_said_before_counts_no_more(
    room: Room, blobs: LocalBlobs
) -> None:
    first = stored(blobs, "DICOM-NO-MPP S26-1 C1 A")
    room.take(study([first]))
    room.work()
    room.set_resolution(room.rows[0].slide_id, 1.0, "Dr. Path", "of the level that had come")
    room.work()
    assert [one.refused for one in room.told] == ["resolution_unknown", ""]

    room.take(study([first, stored(blobs, "DICOM-NO-MPP S26-1 C1 A\nfiner", number=2)]))
    room.work()
    assert room.states == ["submitted"]
    assert room.told[-1].refused == "resolution_unknown"
    assert len(room.ledger.studies[-1][1].instances) == 2


def test_a_slide_whose_objects_went_is_taken_in_when_it_is_sent_again(room: Room, blobs: LocalBlobs) -> None:
    sent = stored(blobs, "DICOM S26-1 C1 A")
    content = blobs.read(sent.blob_uri)
    room.take(study([sent]))
    place_of(sent.blob_uri).path.unlink()
    room.work()
    assert [(row.state.value, row.gone) for row in room.rows] == [("held", True)]

    blobs.put(content)
    room.take(study([sent]))
    room.work()
    assert [(row.state.value, row.gone) for row in room.rows] == [("submitted", False)]


def test_a_slide_over_which_something_breaks_holds_no_other_one_up(room: Room, blobs: LocalBlobs) -> None:
    room.take(study([stored(blobs, "DICOM-WITHOUT-WORDS")]))
    room.wait(1)
    room.drop("a.svs", **SAID)
    room.look()
    room.wait(SETTLE_S + 1)
    room.look()
    room.wait(1)
    with pytest.raises(ValueError, match="unpack"):
        room.check()
    assert room.check()
    room.send()

    assert room.states == ["checking", "submitted"]


def test_a_disk_on_which_nothing_can_be_put_together_is_temporary(room: Room, blobs: LocalBlobs) -> None:
    in_the_way = room.folder / "cache"
    in_the_way.write_text("no folder")
    room.take(study([stored(blobs, "DICOM S26-1 C1 A")]))
    with pytest.raises(UnavailableError):
        room.work()
    assert room.states == ["checking"]
    assert "tried again" in room.rows[0].reason

    in_the_way.unlink()
    room.work()
    assert room.states == ["submitted"]


def test_an_order_withdrawn_while_its_slide_waits_makes_no_case(room: Room, blobs: LocalBlobs) -> None:
    room.record(order(container="C1"))
    room.take(study([stored(blobs, "DICOM S26-1 C1 A")]))
    room.record(order(container="C1", version="2", status=OrderStatus.WITHDRAWN))
    room.work()

    assert room.states == ["held"]
    assert room.told == []
